# Writes tests/data/prior_me.csv and prior_bic.csv: mclust with priorControl().
# From the repository's root: Rscript tests/priors/make_golden.R
suppressMessages(library(mclust))
read <- function(name) as.matrix(read.csv(file.path("tests", "data", paste0(name, ".csv"))))
models <- c("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE", "EEV", "VEV", "VVV")
number <- function(x) sprintf("%.17g", x)
join <- function(x) paste(number(x), collapse = " ")

rounds <- function(X, model, z, prior, most, tol) {
  control <- emControl(tol = c(tol, 1e-13), itmax = c(most, 10000))
  suppressWarnings(me(X, modelName = model, z = z, prior = prior, control = control))
}

priors <- list(default = priorControl(), strong = priorControl(shrinkage = 3),
               free = priorControl(shrinkage = 0))
rows <- list()
add <- function(name, X, model, G, z, which) {
  prior <- priors[[which]]
  path <- sapply(c(1, 2, 5), function(i) rounds(X, model, z, prior, i, 0)$loglik)
  end <- rounds(X, model, z, prior, 20000, 1e-14)
  v <- end$parameters$variance
  sigma <- if (is.null(dim(X))) rep(v$sigmasq, length.out = G) else v$sigma
  rows[[length(rows) + 1]] <<- data.frame(
    dataset = name, model = model, G = G, prior = which,
    after_1 = number(path[1]), after_2 = number(path[2]), after_5 = number(path[3]),
    converged = number(end$loglik), weights = join(end$parameters$pro),
    means = join(end$parameters$mean), covariances = join(sigma))
}
for (name in c("iris", "faithful", "diabetes")) {
  X <- read(name); labels <- read(paste0(name, "_labels"))
  for (G in 2:4) {
    z <- unmap(labels[, G])
    for (model in models)
      for (which in if (G == 3) names(priors) else "default") add(name, X, model, G, z, which)
    for (model in c("E", "V"))
      if (name == "faithful") add("waiting", X[, 2], model, G, z, "default")
  }
}
write.csv(do.call(rbind, rows), file.path("tests", "data", "prior_me.csv"), row.names = FALSE, quote = FALSE)

bics <- list()
for (name in c("iris", "faithful")) {
  X <- read(name)
  found <- suppressWarnings(mclustBIC(X, G = 1:4, modelNames = models, prior = priorControl(),
    control = emControl(tol = c(1e-13, 1e-13), itmax = c(20000, 10000)), verbose = FALSE))
  for (G in 1:4) for (model in models)
    bics[[length(bics) + 1]] <- data.frame(dataset = name, model = model, G = G,
      bic = number(found[as.character(G), model]))
}
write.csv(do.call(rbind, bics), file.path("tests", "data", "prior_bic.csv"), row.names = FALSE, quote = FALSE)
