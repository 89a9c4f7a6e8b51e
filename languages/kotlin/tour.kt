/*
 * What programs of Kotlin are made of, for its compiler to have compiled before (CompileAhead.java). It is never run. Old
 * compilers must take it, too.
 */
package glimpse.tour

import java.io.File
import java.util.concurrent.atomic.AtomicInteger
import kotlin.math.abs
import kotlin.math.max
import kotlin.properties.Delegates

interface Animal {
    val name: String
    fun sound(): String
    fun describe() = "$name says ${sound()}"
}

abstract class Pet(override val name: String, protected val age: Int = 1) : Animal, Comparable<Pet> {
    private var fed = false
    var weight: Double = 1.0
        get() = field * 1.5
        set(value) {
            require(value > 0) { "weight: $value" }
            field = value
        }

    override fun compareTo(other: Pet): Int = compareValuesBy(this, other, { it.age }, { it.name })

    open fun feed(): Pet = apply { fed = true }

    override fun toString() = "${this::class.simpleName}($name, $age${if (fed) ", fed" else ""})"
}

class Dog(name: String, age: Int) : Pet(name, age) {
    override fun sound() = "woof".repeat(age).substring(0, 4)
}

class Cat(name: String) : Pet(name) {
    override fun sound() = "meow"
    override fun feed(): Pet {
        super.feed()
        return this
    }

    companion object {
        const val LIVES = 9
        fun stray() = Cat("stray")
    }
}

sealed class Token {
    data class Number(val value: Long) : Token()
    data class Word(val text: String, val upper: Boolean = false) : Token()
    object End : Token()
}

enum class Direction(val dx: Int, val dy: Int) {
    NORTH(0, -1), EAST(1, 0), SOUTH(0, 1), WEST(-1, 0);

    fun right() = values()[(ordinal + 1) % values().size]
}

data class Vector(val x: Double, val y: Double) {
    operator fun plus(other: Vector) = Vector(x + other.x, y + other.y)
    operator fun times(by: Double) = Vector(x * by, y * by)
    operator fun get(i: Int) = if (i == 0) x else y
    infix fun dot(other: Vector) = x * other.x + y * other.y
}

class Matrix(val rows: Int, val columns: Int, init: (Int, Int) -> Int) {
    private val cells = Array(rows) { r -> IntArray(columns) { c -> init(r, c) } }

    operator fun get(r: Int, c: Int) = cells[r][c]
    operator fun set(r: Int, c: Int, value: Int) {
        cells[r][c] = value
    }

    operator fun times(other: Matrix): Matrix = Matrix(rows, other.columns) { r, c ->
        var sum = 0
        for (k in 0 until columns) sum += this[r, k] * other[k, c]
        sum
    }
}

class Node<T : Comparable<T>>(val value: T, var left: Node<T>? = null, var right: Node<T>? = null)

class Tree<T : Comparable<T>> : Iterable<T> {
    private var root: Node<T>? = null
    var size = 0
        private set

    fun add(value: T): Boolean {
        var at = root
        if (at == null) {
            root = Node(value)
            size++
            return true
        }
        while (true) {
            val here = at!!
            when {
                value < here.value -> if (here.left == null) { here.left = Node(value); break } else at = here.left
                value > here.value -> if (here.right == null) { here.right = Node(value); break } else at = here.right
                else -> return false
            }
        }
        size++
        return true
    }

    private fun walk(node: Node<T>?, to: MutableList<T>) {
        node ?: return
        walk(node.left, to)
        to += node.value
        walk(node.right, to)
    }

    override fun iterator(): Iterator<T> = mutableListOf<T>().also { walk(root, it) }.iterator()
}

class Account(val owner: String, balance: Long = 0) {
    var balance: Long by Delegates.observable(balance) { _, old, new -> log.add("$owner: $old -> $new") }
        private set
    val history: List<String> by lazy { log.toList() }
    private val log = mutableListOf<String>()
    lateinit var note: String

    @Throws(NoMoney::class)
    fun withdraw(amount: Long) {
        if (amount > balance) throw NoMoney(owner, amount - balance)
        balance -= amount
    }

    class NoMoney(who: String, missing: Long) : RuntimeException("$who lacks $missing")
}

inline fun <T, R> Iterable<T>.mapUnless(crossinline skip: (T) -> Boolean, transform: (T) -> R): List<R> {
    val result = ArrayList<R>()
    for (one in this) if (!skip(one)) result.add(transform(one))
    return result
}

fun <K, V> Map<K, V>.inverted(): Map<V, List<K>> where V : Any = entries.groupBy({ it.value }, { it.key })

fun String.words(): Sequence<String> = splitToSequence(' ', '\n').map(String::trim).filter { it.isNotEmpty() }

val String.vowels: Int
    get() = count { it.lower() in "aeiou" }

private fun Char.lower() = if (this in 'A'..'Z') this + 32 else this

fun tokens(text: String): List<Token> {
    val result = mutableListOf<Token>()
    var i = 0
    while (i < text.length) {
        val c = text[i]
        when {
            c.isDigit() -> {
                val from = i
                while (i < text.length && text[i].isDigit()) i++
                result += Token.Number(text.substring(from, i).toLong())
            }
            c.isLetter() -> {
                val word = text.drop(i).takeWhile { it.isLetter() }
                i += word.length
                result += Token.Word(word, upper = word.all { it in 'A'..'Z' })
            }
            else -> i++
        }
    }
    return result + Token.End
}

fun show(token: Token): String = when (token) {
    is Token.Number -> if (token.value > 9) "many" else token.value.toString()
    is Token.Word -> token.text
    Token.End -> "."
}

tailrec fun gcd(a: Int, b: Int): Int = if (b == 0) abs(a) else gcd(b, a % b)

fun primes(limit: Int): List<Int> {
    val composite = BooleanArray(limit + 1)
    return (2..limit).filter { n ->
        if (!composite[n]) for (m in n * n..limit step n) composite[m] = true
        !composite[n]
    }
}

fun paths(grid: List<String>): Int? {
    val seen = mutableSetOf(0 to 0)
    val queue = java.util.ArrayDeque<Triple<Int, Int, Int>>()
    queue.add(Triple(0, 0, 0))
    while (queue.isNotEmpty()) {
        val (x, y, steps) = queue.removeFirst()
        if (y == grid.lastIndex && x == grid[y].lastIndex) return steps
        for (d in Direction.values()) {
            val next = (x + d.dx) to (y + d.dy)
            if (grid.getOrNull(next.second)?.getOrNull(next.first) == '.' && seen.add(next)) queue.add(Triple(next.first, next.second, steps + 1))
        }
    }
    return null
}

object Registry {
    private val made = HashMap<String, () -> Pet>()
    private val count = AtomicInteger()

    init {
        made["dog"] = { Dog("dog${count.incrementAndGet()}", 2) }
        made["cat"] = Cat.Companion::stray
    }

    fun make(kind: String): Pet = made[kind]?.invoke() ?: error("no $kind")
}

fun main(args: Array<String>) {
    val pets = listOf("dog", "cat", "dog").map(Registry::make).sortedDescending()
    val (young, old) = pets.partition { it < Dog("x", 1) }
    println(pets.joinToString(prefix = "[", postfix = "]") { it.describe() } + young.size + old.firstOrNull()?.feed())
    val text = """
        |some words, 12 and 345 OF THEM
        |on ${args.size} lines
    """.trimMargin()
    println(tokens(text).mapUnless({ it == Token.End }, ::show))
    val counts = text.words().groupingBy { it.length }.eachCount().toSortedMap(reverseOrder())
    for ((length, n) in counts) println("%2d %s".format(length, "*".repeat(n)))
    println(counts.inverted().keyOfGreatest { it.key } to text.vowels)
    val tree = Tree<Int>().apply { listOf(5, 2, 8, 2).forEach { add(it) } }
    println(tree.zip(tree.drop(1)) { a, b -> b - a }.sum() + tree.size)
    val m = Matrix(2, 2) { r, c -> r + c }
    m[0, 0] = 7
    println((m * m)[1, 1] + gcd(84, 36) + primes(50).last())
    val v = Vector(1.0, 2.0) + Vector(3.0, 4.0) * 0.5
    println(v.copy(y = 0.0) dot v)
    println(paths(listOf("..#", "#..", "...")) ?: "no way")
    val account = Account("Ada", 10)
    try {
        account.withdraw(3)
        account.withdraw(30)
    } catch (e: Account.NoMoney) {
        println(e.message)
    } finally {
        println(account.history.size)
    }
    val number: Any? = args.getOrNull(0)?.toIntOrNull()
    val word = when (number) {
        null -> "none"
        in 1..9 -> "digit"
        is Int -> "number ${number + 1}"
        else -> "what"
    }
    println(word + max(1, 2) + (number as? Int ?: 0))
    var left = 10L
    do {
        left = left / 2 - if (left and 1L == 0L) 0 else 1
    } while (left > 0)
    outer@ for (i in 1..3) for (j in 3 downTo 1) {
        if (i == j) continue@outer
        if (i * j > 5) break@outer
    }
    val lines = File("/dev/null").useLines { all -> all.filter { it.isNotBlank() }.toList() }
    with(StringBuilder()) {
        append(lines.size).append(' ').append(0xFF.toString(2).padStart(10, '0'))
        println(reversed())
    }
    val fibonacci = sequence {
        var a = 0
        var b = 1
        while (true) {
            yield(a)
            a = b.also { b += a }
        }
    }
    println(fibonacci.take(10).chunked(3).map { it.sum() }.windowed(2).fold(0) { sum, pair -> sum + pair.first() })
    val handlers: Map<String, (List<Int>) -> Number> = mapOf("sum" to { it.sum() }, "mean" to { it.average() })
    handlers.forEach { (name, handler) -> println("$name ${handler(listOf(1, 2, 3))}") }
}

private inline fun <K, V> Map<K, V>.keyOfGreatest(by: (Map.Entry<K, V>) -> Int): K? where K : Any {
    var best: Map.Entry<K, V>? = null
    for (entry in this) if (best == null || by(entry) > by(best)) best = entry
    return best?.key
}
