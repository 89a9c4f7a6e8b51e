package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
)

type shape interface{ area() int }

type circle struct{ radius int }
type rectangle struct{ width, height int }

func (c circle) area() int    { return c.radius * c.radius * 314159 / 100000 }
func (r rectangle) area() int { return r.width * r.height }

type entry struct {
	word         string
	total, count int
}

func top(scanner *bufio.Scanner, n int) []*entry {
	entries := map[string]*entry{}
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		value, err := strconv.Atoi(fields[1])
		if err != nil {
			panic(err)
		}
		e, ok := entries[fields[0]]
		if !ok {
			e = &entry{word: fields[0]}
			entries[fields[0]] = e
		}
		e.total += value
		e.count++
	}
	sorted := make([]*entry, 0, len(entries))
	for _, e := range entries {
		sorted = append(sorted, e)
	}
	sort.Slice(sorted, func(i, j int) bool {
		if sorted[i].total != sorted[j].total {
			return sorted[i].total > sorted[j].total
		}
		return sorted[i].word < sorted[j].word
	})
	return sorted[:n]
}

func primes(limit int) (found []int) {
	composite := make([]bool, limit)
	for i := 2; i < limit; i++ {
		if composite[i] {
			continue
		}
		found = append(found, i)
		for j := i * i; j < limit; j += i {
			composite[j] = true
		}
	}
	return found
}

var memo = map[int]int{}

func fib(n int) int {
	if n < 2 {
		return n
	}
	if _, ok := memo[n]; !ok {
		memo[n] = fib(n-1) + fib(n-2)
	}
	return memo[n]
}

func trace(n int) (sum int) {
	for i := 0; i < n; i++ {
		for k := 0; k < n; k++ {
			sum += (i * k % 7) * (k * i % 7)
		}
	}
	return sum
}

func reverse(text string) string {
	runes := []rune(text)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}

func main() {
	for _, e := range top(bufio.NewScanner(os.Stdin), 5) {
		fmt.Println(e.word, e.total, e.count)
	}
	found := primes(20000)
	fmt.Println("primes", len(found), found[len(found)-1])
	fmt.Println("fib", fib(70))
	fmt.Println("trace", trace(20))
	text, vowels := "the quick brown fox jumps over the lazy dog", 0
	for _, r := range text {
		if strings.ContainsRune("aeiou", r) {
			vowels++
		}
	}
	fmt.Println(reverse(text), vowels)
	area := 0
	for _, s := range []shape{circle{15}, rectangle{20, 35}, rectangle{40, 40}} {
		area += s.area()
	}
	fmt.Println("area", area)
}
