# mclust, by its function me: from responsibilities, M-step first, so that a round of it
# is an iteration of the others from the start that gave the responsibilities.
#
#     apt-get install r-cran-mclust        or, in R:  install.packages("mclust")
#
# Reads X and z (column by column) and the sizes; writes the parameters after some rounds.

if (!requireNamespace("mclust", quietly = TRUE)) {
  cat('{"missing": "mclust"}\n')
  quit()
}
suppressMessages(library(mclust))

args <- commandArgs(TRUE)
folder <- args[1]
model <- args[2]
sizes <- as.integer(args[3:8])
n <- sizes[1]; d <- sizes[2]; K <- sizes[3]
few <- sizes[4]; many <- sizes[5]; compared <- sizes[6]
X <- matrix(readBin(file.path(folder, "X"), "double", n * d), n)
z <- matrix(readBin(file.path(folder, "z"), "double", n * K), n)

run <- function(rounds) {
  me(X, model, z, control = emControl(tol = c(0, 1e-8), itmax = c(rounds, 500)))
}
# Its count is negative where the rounds ended before the log-likelihood settled.
done <- function(fit) abs(as.integer(attr(fit, "info")["iterations"]))
seconds <- function(rounds) system.time(last <<- run(rounds))["elapsed"]

short <- seconds(few)
patient <- short < 10
if (patient) short <- min(short, seconds(few))
fewest <- done(last)
long <- seconds(many)
if (patient) long <- min(long, seconds(many))
most <- done(last)

found <- run(compared)$parameters
writeBin(c(found$pro), file.path(folder, "weights"))
writeBin(c(found$mean), file.path(folder, "means"))
writeBin(c(found$variance$sigma), file.path(folder, "covariances"))
slope <- if (most > fewest) sprintf("%.9f", (long - short) / (most - fewest)) else "NaN"
cat(sprintf('{"seconds": %s, "done": %d, "asked": %d}\n', slope, most, many))
