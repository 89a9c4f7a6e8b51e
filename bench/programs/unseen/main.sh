# Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
set -u
shopt -s extglob nullglob

read -r -d '' log <<'TEXT'
2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
TEXT
line_pattern='^([0-9]{4})-([0-9]{2})-([0-9]{2}) order=([0-9]+) item="([^"]+)" price=([^ ]+) days=([0-9]+) by=([A-Za-z]+)$'
declare -A roads=([yard]="mill gate" [gate]="town ford" [mill]=ford [ford]=hill [town]="hill port" [hill]=port)
declare -A earned=()
declare -a heap=()

# Days since 1 March of the year 0, and back.
day_number() {
    local y=$1 m=$((10#$2)) d=$((10#$3))
    ((m = (m + 9) % 12, y -= m / 10))
    day=$((365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + d - 1))
}

day_name() {
    local g=$1 y m d rest
    ((y = (10000 * g + 14780) / 3652425, rest = g - (365 * y + y / 4 - y / 100 + y / 400)))
    ((rest < 0)) && ((y--, rest = g - (365 * y + y / 4 - y / 100 + y / 400)))
    ((m = (100 * rest + 52) / 3060, d = rest - (m * 306 + 5) / 10 + 1, y += (m + 2) / 12, m = (m + 2) % 12 + 1))
    printf -v name '%04d-%02d-%02d' "$y" "$m" "$d"
}

heap_push() {
    local at=${#heap[@]} up swap
    heap+=("$1")
    while ((at > 0)); do
        up=$(((at - 1) / 2))
        [[ ${heap[at]} < ${heap[up]} ]] || break
        swap=${heap[at]} heap[at]=${heap[up]} heap[up]=$swap at=$up
    done
}

heap_pop() {
    local n=$((${#heap[@]} - 1)) at=0 child swap
    popped=${heap[0]} heap[0]=${heap[n]}
    unset "heap[n]"
    while child=$((2 * at + 1)) && ((child < n)); do
        ((child + 1 < n)) && [[ ${heap[child + 1]} < ${heap[child]} ]] && ((child++))
        [[ ${heap[child]} < ${heap[at]} ]] || break
        swap=${heap[at]} heap[at]=${heap[child]} heap[child]=$swap at=$child
    done
}

parse() {
    local number=$1 line=$2 price
    [[ $line =~ $line_pattern ]] || { echo "line $number: not an order: '${line:0:12}'" && return 1; }
    local -a part=("${BASH_REMATCH[@]}")
    price=${part[6]}
    [[ $price == +([0-9]).[0-9][0-9] ]] || { echo "line $number: no price" && return 2; }
    day_number "${part[1]}" "${part[2]}" "${part[3]}"
    day_name $((day + part[7]))
    heap_push "$name|${part[4]}|${part[5]}|${price/./}|${part[8]}"
}

common() { # the length of the longest common subsequence
    local a=$1 b=$2 i j diagonal above
    local -a row=()
    for ((j = 0; j <= ${#b}; j++)); do row[j]=0; done
    for ((i = 0; i < ${#a}; i++)); do
        diagonal=0
        for ((j = 1; j <= ${#b}; j++)); do
            above=${row[j]}
            if [[ ${a:i:1} == "${b:j-1:1}" ]]; then
                row[j]=$((diagonal + 1))
            elif ((row[j - 1] > above)); then
                row[j]=${row[j - 1]}
            fi
            diagonal=$above
        done
    done
    echo "${row[${#b}]}"
}

route() {
    local -A came=([$1]=)
    local -a queue=("$1")
    local at=0 step path=$2
    for ((; at < ${#queue[@]}; at++)); do
        for step in ${roads[${queue[at]}]-}; do
            [[ -v came[$step] ]] || { came[$step]=${queue[at]} && queue+=("$step"); }
        done
    done
    step=$2
    while [[ -n ${came[$step]} ]]; do step=${came[$step]} path="$step->$path"; done
    echo "$path"
}

number=0
while IFS= read -r line; do
    parse $((++number)) "$line" || echo "  status $?"
done <<<"$log"
while ((${#heap[@]} > 0)); do
    heap_pop
    IFS='|' read -r due id item cents by <<<"$popped"
    ((earned[$by] += cents))
    case $item in oak* | walnut* | ash*) wood=hard ;; *) wood=soft ;; esac
    printf '%s #%d %-12s %5d.%02d %s %s\n' "$due" "$id" "${item^}" $((cents / 100)) $((cents % 100)) "$wood" "$by"
done
for by in Ines Tom; do printf '{"%s": %d}\n' "$by" "${earned[$by]}"; done
echo "$(common "sandbox of the walnut" "box and the wallet") $(route yard port)"
trap 'echo "goodbye from ${FUNCNAME[0]:-main}"' EXIT
