# Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
lines <- c('2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines', '2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom',
           '2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada', '2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines',
           'garbage in the middle', '2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom')
pattern <- '^([0-9-]{10}) order=([0-9]+) item="([^"]+)" price=([^ ]+) days=([0-9]+) by=([A-Za-z]+)$'
roads <- list(yard = c("mill", "gate"), gate = c("town", "ford"), mill = "ford", ford = "hill", town = c("hill", "port"), hill = "port")

bad_line <- function(number, why) {
  structure(class = c("bad_line", "error", "condition"), list(message = sprintf("line %d: %s", number, why), call = NULL))
}

parse_order <- function(number, line) {
  part <- regmatches(line, regexec(pattern, line))[[1]]
  if (length(part) == 0) stop(bad_line(number, sprintf("not an order: '%s'", substr(line, 1, 12))))
  price <- withCallingHandlers(as.numeric(part[5]), warning = function(w) stop(bad_line(number, "no price")))
  data.frame(due = as.Date(part[2]) + as.integer(part[6]), id = as.integer(part[3]), item = part[4], cents = round(price * 100), by = part[7])
}

common <- function(a, b) {
  a <- strsplit(a, "")[[1]]
  b <- strsplit(b, "")[[1]]
  best <- matrix("", length(a) + 1, length(b) + 1)
  for (i in seq_along(a)) for (j in seq_along(b)) {
    up <- best[i, j + 1]
    left <- best[i + 1, j]
    best[i + 1, j + 1] <- if (a[i] == b[j]) paste0(best[i, j], a[i]) else if (nchar(up) >= nchar(left)) up else left
  }
  best[length(a) + 1, length(b) + 1]
}

route <- function(from, to) {
  came <- setNames("", from)
  queue <- from
  while (length(queue) > 0) {
    fresh <- setdiff(roads[[queue[1]]], names(came))
    came[fresh] <- queue[1]
    queue <- c(queue[-1], fresh)
  }
  path <- to
  while (nzchar(came[[path[1]]])) path <- c(came[[path[1]]], path)
  path
}

read <- lapply(seq_along(lines), function(i) tryCatch(parse_order(i, lines[i]), bad_line = function(e) {
  cat(conditionMessage(e), "\n")
  NULL
}))
plan <- do.call(rbind, read)
plan <- plan[order(plan$due, plan$id), ]
plan$wood <- factor(ifelse(grepl("^(oak|walnut|ash)\\b", plan$item, perl = TRUE), "hard", "soft"))
cat(sprintf("%s %-12s %8.2f %s %s\n", format(plan$due, "%Y-%m-%d"), plan$item, plan$cents / 100, plan$wood, plan$by), sep = "")
print(tapply(plan$cents, plan$by, sum))
print(aggregate(cents ~ wood, plan, mean))
print(summary(plan$cents))
print(quantile(plan$cents, c(.1, .9)))
str(split(plan$item, plan$by))
cat(common("sandbox of the walnut", "box and the wallet"), "\n", paste(route("yard", "port"), collapse = "->"), "\n", sep = "")
fit <- lm(cents ~ id, plan)
print(round(coef(fit), 2))
cat(Reduce(function(a, b) paste0(toupper(a), ",", b), plan$item), do.call(max, as.list(plan$cents)), "\n")
