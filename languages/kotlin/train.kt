/*
 * A walk through what programs commonly use, for class data sharing; see java/Train.java. Old compilers must take it, too.
 */
package glimpse

import kotlin.math.sqrt

private data class Point(val x: Int, val name: String)

private sealed class Shape {
    data class Circle(val radius: Double) : Shape()
    object Nothing : Shape()
}

private enum class Color { RED, GREEN }

private fun area(shape: Shape) = when (shape) {
    is Shape.Circle -> 3.14 * shape.radius * shape.radius
    Shape.Nothing -> 0.0
}

private val lazily by lazy { mutableMapOf<String, Int>() }

fun main(args: Array<String>) {
    val sums = (1..100).groupBy { it % 7 }.mapValues { it.value.sum() }.toSortedMap()
    val powers = generateSequence(1) { it * 2 }.takeWhile { it < 1000 }.toList().sortedByDescending { it }
    val (x, name) = Point(3, "y")

    println("sums $sums ${Point(1, "x")} ${args.toList()} ${Color.values().joinToString()}")
    println(powers.joinToString { it.toString().padStart(4) } + area(Shape.Circle(2.0)) + sqrt(2.0))
    println("$x $name".reversed() + Regex("[a-z]+").findAll("ab cd").map { it.value }.toList())
    "a b a".split(" ").forEach { lazily[it] = (lazily[it] ?: 0) + 1 }
    println(lazily.entries.sortedWith(compareBy({ -it.value }, { it.key })).associate { it.key to it.value })
    println(listOf(1, 2).zip(listOf("a", "b")).toMap() + (3 to "c"))
    println(buildString { append("%.2f".format(1.5)) })
    println(arrayOf(3, 1, 2).sorted() + intArrayOf(1).sum() + mutableSetOf(1).apply { add(2) } + (readLine() ?: "none").length)
    try {
        error("a message")
    } catch (e: IllegalStateException) {
        println(e.message)
    }
}
