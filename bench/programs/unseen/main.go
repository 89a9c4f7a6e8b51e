// Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
package main

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

const log = `2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
`

var line = regexp.MustCompile(`^(\d{4}-\d\d-\d\d) order=(\d+) item="([^"]+)" price=(\S+) days=(\d+) by=(\w+)$`)
var roads = map[string][]string{"yard": {"mill", "gate"}, "gate": {"town", "ford"}, "mill": {"ford"}, "ford": {"hill"}, "town": {"hill", "port"}, "hill": {"port"}}

type order struct {
	Due   time.Time `json:"due"`
	ID    int       `json:"id"`
	Item  string    `json:"item"`
	Cents int64     `json:"cents"`
	By    string    `json:"by,omitempty"`
}

type badLine struct {
	number int
	err    error
}

func (b *badLine) Error() string { return fmt.Sprintf("line %d: %v", b.number, b.err) }
func (b *badLine) Unwrap() error { return b.err }

var errNoOrder = errors.New("not an order")

type orders []*order

func (o orders) Len() int { return len(o) }
func (o orders) Less(i, j int) bool {
	return o[i].Due.Before(o[j].Due) || o[i].Due.Equal(o[j].Due) && o[i].ID < o[j].ID
}
func (o orders) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *orders) Push(x any)   { *o = append(*o, x.(*order)) }
func (o *orders) Pop() any {
	last := (*o)[len(*o)-1]
	*o = (*o)[:len(*o)-1]
	return last
}

func parse(number int, text string) (*order, error) {
	match := line.FindStringSubmatch(text)
	if match == nil {
		return nil, &badLine{number, fmt.Errorf("%w: %.12q", errNoOrder, text)}
	}
	price, err := strconv.ParseFloat(match[4], 64)
	if err != nil {
		return nil, &badLine{number, err}
	}
	day, err := time.Parse("2006-01-02", match[1])
	if err != nil {
		return nil, &badLine{number, err}
	}
	id, _ := strconv.Atoi(match[2])
	days, _ := strconv.Atoi(match[5])
	return &order{day.AddDate(0, 0, days), id, match[3], int64(price*100 + 0.5), match[6]}, nil
}

func common[T ~string](a, b T) T {
	best := make([][]T, len(a)+1)
	for i := range best {
		best[i] = make([]T, len(b)+1)
	}
	for i := range a {
		for j := range b {
			switch {
			case a[i] == b[j]:
				best[i+1][j+1] = best[i][j] + a[i:i+1]
			case len(best[i][j+1]) >= len(best[i+1][j]):
				best[i+1][j+1] = best[i][j+1]
			default:
				best[i+1][j+1] = best[i+1][j]
			}
		}
	}
	return best[len(a)][len(b)]
}

func route(from, to string) (path []string) {
	came, queue := map[string]string{from: ""}, []string{from}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, next := range roads[queue[0]] {
			if _, seen := came[next]; !seen {
				came[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	for at := to; at != ""; at = came[at] {
		path = append([]string{at}, path...)
	}
	return path
}

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	var waiting orders
	scanner := bufio.NewScanner(strings.NewReader(log))
	for number := 1; scanner.Scan(); number++ {
		o, err := parse(number, scanner.Text())
		var bad *badLine
		if errors.As(err, &bad) {
			fmt.Fprintln(out, bad, errors.Is(err, errNoOrder))
			continue
		}
		heap.Push(&waiting, o)
	}
	var plan []*order
	for waiting.Len() > 0 {
		plan = append(plan, heap.Pop(&waiting).(*order))
	}
	var group sync.WaitGroup
	var lock sync.Mutex
	earned := map[string]int64{}
	for _, o := range plan {
		fmt.Fprintf(out, "%s %-12s %8.2f %s\n", o.Due.Format("Mon 02 Jan"), strings.Title(o.Item), float64(o.Cents)/100, o.By)
		group.Add(1)
		go func(o *order) {
			defer group.Done()
			lock.Lock()
			defer lock.Unlock()
			earned[o.By] += o.Cents
		}(o)
	}
	group.Wait()
	text, err := json.Marshal(plan)
	if err != nil {
		panic(err)
	}
	var back []map[string]any
	if err := json.Unmarshal(text, &back); err != nil {
		panic(err)
	}
	fmt.Fprintln(out, len(text), back[0]["due"], earned)
	sort.Slice(plan, func(i, j int) bool { return plan[i].Cents < plan[j].Cents })
	at := sort.Search(len(plan), func(i int) bool { return plan[i].Cents > 20000 })
	fmt.Fprintln(out, at, common("sandbox of the walnut", "box and the wallet"), strings.Join(route("yard", "port"), "->"))
}
