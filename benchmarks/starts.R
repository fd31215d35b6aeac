# Fit mclust's VVV from its own start: rows from a file, the parameters to another.
arguments <- commandArgs(trailingOnly = TRUE)
suppressMessages(library(mclust))
X <- as.matrix(read.csv(arguments[1], header = FALSE))
K <- as.integer(arguments[2])
set.seed(as.integer(arguments[3]))
# As in Mclust: a hierarchy on at most 2000 rows.
subset <- if (nrow(X) > 2000) sample(nrow(X), 2000) else NULL
began <- proc.time()
model <- if (ncol(X) == 1) "V" else "VVV"
fit <- Mclust(X, G = K, modelNames = model, verbose = FALSE,
              initialization = if (is.null(subset)) NULL else list(subset = subset))
seconds <- sum((proc.time() - began)[1:2])
if (is.null(fit)) {
    cat("none", seconds, "\n")
} else {
    cat(fit$loglik / nrow(X), seconds, min(fit$parameters$pro) * nrow(X), "\n")
}
