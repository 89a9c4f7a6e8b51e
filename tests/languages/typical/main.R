circle <- function(radius) structure(list(radius = radius), class = "circle")
rectangle <- function(width, height) structure(list(width = width, height = height), class = "rectangle")
area <- function(shape) UseMethod("area")
area.rectangle <- function(shape) shape$width * shape$height
area.circle <- function(shape) (shape$radius^2 * 314159) %/% 100000

top <- function(lines, n) {
  parts <- strsplit(lines, " ", fixed = TRUE)
  words <- vapply(parts, `[`, "", 1)
  values <- as.integer(vapply(parts, `[`, "", 2))
  table <- data.frame(total = tapply(values, words, sum), count = tapply(values, words, length))
  table$word <- rownames(table)
  head(table[order(-table$total, table$word), ], n)
}

primes <- function(limit) {
  composite <- logical(limit - 1)
  found <- integer(0)
  for (i in 2:(limit - 1)) {
    if (composite[i]) next
    found[length(found) + 1] <- i
    if (i * i < limit) composite[seq(i * i, limit - 1, by = i)] <- TRUE
  }
  found
}

memo <- new.env()
fib <- function(n) {
  if (n < 2) return(n)
  key <- as.character(n)
  if (is.null(memo[[key]])) memo[[key]] <- fib(n - 1) + fib(n - 2)
  memo[[key]]
}

trace_of <- function(n) {
  a <- outer(0:(n - 1), 0:(n - 1), function(i, j) (i * j) %% 7)
  sum(diag(a %*% a))
}

say <- function(...) cat(paste(...), sep = "\n")

input <- file("stdin")
best <- top(readLines(input), 5)
close(input)
say(best$word, best$total, best$count)
found <- primes(20000)
say("primes", length(found), tail(found, 1))
say("fib", format(fib(70), digits = 15))
say("trace", trace_of(20))
text <- "the quick brown fox jumps over the lazy dog"
letters_of <- strsplit(text, "")[[1]]
say(paste(rev(letters_of), collapse = ""), sum(letters_of %in% c("a", "e", "i", "o", "u")))
shapes <- list(circle(15), rectangle(20, 35), rectangle(40, 40))
say("area", sum(vapply(shapes, area, 0)))
