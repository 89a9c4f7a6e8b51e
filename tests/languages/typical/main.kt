sealed interface Shape {
    val area: Long
}

data class Circle(val radius: Long) : Shape {
    override val area get() = radius * radius * 314159 / 100000
}

data class Rectangle(val width: Long, val height: Long) : Shape {
    override val area get() = width * height
}

class Entry(val word: String) {
    var total = 0
    var count = 0
}

fun top(lines: Sequence<String>, n: Int): List<Entry> {
    val entries = mutableMapOf<String, Entry>()
    for (line in lines) {
        val (word, value) = line.split(" ")
        with(entries.getOrPut(word) { Entry(word) }) {
            total += value.toInt()
            count++
        }
    }
    return entries.values.sortedWith(compareBy({ -it.total }, { it.word })).take(n)
}

fun primes(limit: Int): List<Int> {
    val composite = BooleanArray(limit)
    return buildList {
        for (i in 2 until limit) {
            if (composite[i]) continue
            add(i)
            for (j in i.toLong() * i until limit step i.toLong()) composite[j.toInt()] = true
        }
    }
}

val memo = mutableMapOf<Int, Long>()

fun fib(n: Int): Long = if (n < 2) n.toLong() else memo[n] ?: (fib(n - 1) + fib(n - 2)).also { memo[n] = it }

fun trace(n: Int): Int {
    val a = List(n) { i -> List(n) { j -> i * j % 7 } }
    return (0 until n).sumOf { i -> (0 until n).sumOf { k -> a[i][k] * a[k][i] } }
}

fun main() {
    top(generateSequence(::readLine), 5).forEach { println("${it.word} ${it.total} ${it.count}") }
    val found = primes(20000)
    println("primes ${found.size} ${found.last()}")
    println("fib ${fib(70)}")
    println("trace ${trace(20)}")
    val text = "the quick brown fox jumps over the lazy dog"
    println("${text.reversed()} ${text.count { it in "aeiou" }}")
    println("area ${listOf(Circle(15), Rectangle(20, 35), Rectangle(40, 40)).sumOf { it.area }}")
}
