// Unlike what the rehearsals do: a parser of expressions, a ledger with refusals, a maze, and words counted.
import java.util.ArrayDeque
import java.util.TreeMap

sealed interface Expr
data class Num(val value: Double) : Expr
data class Neg(val inner: Expr) : Expr
data class Bin(val op: Char, val left: Expr, val right: Expr) : Expr

class Parser(source: String) {
    private val text = source.filterNot { it == ' ' }
    private var at = 0

    fun parse(): Expr {
        var left = term()
        while (at < text.length && text[at] in "+-") left = Bin(text[at++], left, term())
        return left
    }

    private fun term(): Expr {
        var left = factor()
        while (at < text.length && text[at] in "*/") left = Bin(text[at++], left, factor())
        return left
    }

    private fun factor(): Expr = when {
        text[at] == '-' -> { at++; Neg(factor()) }
        text[at] == '(' -> { at++; parse().also { at++ } }
        else -> Num(text.drop(at).takeWhile { it.isDigit() || it == '.' }.also { at += it.length }.toDouble())
    }
}

fun Expr.eval(): Double = when (this) {
    is Num -> value
    is Neg -> -inner.eval()
    is Bin -> {
        val l = left.eval()
        val r = right.eval()
        when (op) {
            '+' -> l + r
            '-' -> l - r
            '*' -> l * r
            else -> if (r == 0.0) throw ArithmeticException("division by zero in $this") else l / r
        }
    }
}

enum class Kind { DEPOSIT, WITHDRAWAL, FEE }

class Overdrawn(account: Int, by: Long) : RuntimeException("account %d by %d.%02d".format(account, by / 100, by % 100))

class Ledger {
    val balances = TreeMap<Int, Long>()
    val totals = mutableMapOf<Kind, Long>().withDefault { 0 }

    fun apply(account: Int, kind: Kind, cents: Long) {
        val after = (balances[account] ?: 0) + if (kind == Kind.DEPOSIT) cents else -cents
        if (after < 0) throw Overdrawn(account, -after)
        balances[account] = after
        totals[kind] = totals.getValue(kind) + cents
    }
}

inline fun <reified T : Throwable> refusal(action: () -> Unit): String? =
    try { action(); null } catch (e: Throwable) { if (e is T) e.message else throw e }

fun main() {
    for (source in listOf("1 + 2 * 3", "-(4 - 6) * 2.5", "7 / (3 - 3)", "((1.5))*-2"))
        println(runCatching { "$source = ${Parser(source).parse().eval()}" }.getOrElse { "$source: ${it.message}" })

    val ledger = Ledger()
    var seed = 12345L
    val refused = (0 until 400).mapNotNull {
        seed = seed * 6364136223846793005L + 1442695040888963407L
        refusal<Overdrawn> { ledger.apply((seed ushr 60).toInt(), Kind.values()[((seed ushr 40) % 3).toInt()], (seed ushr 20) % 5000 + 1) }
    }
    ledger.balances.forEach { (account, cents) -> println("%3d %10.2f %s".format(account, cents / 100.0, "#".repeat((cents / 20000).toInt()))) }
    println(ledger.totals.toSortedMap())
    println("${refused.size} refused, the last: ${refused.last()}")

    val maze = listOf("S.#.....", "..#.###.", ".##...#.", "....#..E")
    val steps = Array(4) { IntArray(8) { -1 } }
    val open = ArrayDeque(listOf(0 to 0))
    steps[0][0] = 0
    while (open.isNotEmpty()) {
        val (y, x) = open.removeFirst()
        for ((dy, dx) in listOf(0 to 1, 1 to 0, 0 to -1, -1 to 0)) {
            val (v, u) = y + dy to x + dx
            if (v !in 0..3 || u !in 0..7 || maze[v][u] == '#' || steps[v][u] >= 0) continue
            steps[v][u] = steps[y][x] + 1
            open.addLast(v to u)
        }
    }
    println("out in ${steps[3][7]} steps")

    val text = "it was the best of times it was the worst of times it was the age of wisdom"
    println(text.split(" ").groupingBy { it }.eachCount().entries.sortedWith(compareByDescending<Map.Entry<String, Int>> { it.value }.thenBy { it.key })
        .take(4).joinToString(" ") { "${it.key}*${it.value}" })
    val rot13 = { s: String -> s.map { if (it.isLowerCase()) 'a' + (it - 'a' + 13) % 26 else it }.joinToString("") }
    println("${rot13(text).hashCode()} ${rot13(rot13(text)) == text}")
    println(sequence { var a = 0L; var b = 1L; while (true) { yield(a); a = b.also { b += a } } }.take(15).joinToString(", ", "{", "}") { it.toString(16) })
    println((2..500).filter { n -> (2 until n).none { it * it <= n && n % it == 0 } }.chunked(10).map { it.sum() }.windowed(2).maxOf { (a, b) -> b - a })
}
