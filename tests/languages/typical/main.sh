set -euo pipefail

declare -A total count memo

top() {
    local n=$1 word value
    while read -r word value; do
        total[$word]=$((${total[$word]:-0} + value))
        count[$word]=$((${count[$word]:-0} + 1))
    done
    for word in "${!total[@]}"; do
        printf '%s %d %d\n' "$word" "${total[$word]}" "${count[$word]}"
    done | sort -k2,2nr -k1,1 | head -n "$n"
}

primes() {
    local limit=$1 i j found=0 last=0
    local -a composite
    for ((i = 2; i < limit; i++)); do
        [[ -z ${composite[i]:-} ]] || continue
        found=$((found + 1)) last=$i
        for ((j = i * i; j < limit; j += i)); do composite[j]=1; done
    done
    echo "primes $found $last"
}

fib() { # the result is in $result: a subshell would lose the memo
    local n=$1 before
    if ((n < 2)); then
        result=$n
    elif [[ -n ${memo[$n]:-} ]]; then
        result=${memo[$n]}
    else
        fib $((n - 1))
        before=$result
        fib $((n - 2))
        result=$((before + result))
        memo[$n]=$result
    fi
}

trace() {
    local n=$1 i k sum=0
    for ((i = 0; i < n; i++)); do
        for ((k = 0; k < n; k++)); do sum=$((sum + (i * k % 7) * (k * i % 7))); done
    done
    echo "trace $sum"
}

circle() { echo $(($1 * $1 * 314159 / 100000)); }
rectangle() { echo $(($1 * $2)); }

top 5
primes 20000
fib 70
echo "fib $result"
trace 20
text="the quick brown fox jumps over the lazy dog"
vowels=${text//[^aeiou]/}
reversed=
for ((i = ${#text} - 1; i >= 0; i--)); do reversed+=${text:i:1}; done
echo "$reversed ${#vowels}"
echo "area $(($(circle 15) + $(rectangle 20 35) + $(rectangle 40 40)))"
