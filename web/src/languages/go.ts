import { go } from '@codemirror/lang-go';
import { indentUnit } from '@codemirror/language';
import { words } from './words';

const keywords =
    'break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select ' +
    'struct switch type var true false nil iota bool byte rune string error int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 ' +
    'float32 float64 complex128 any';
const names =
    'append cap close copy delete len make new panic print println recover fmt Println Printf Sprintf Errorf Fprintln Scan Scanln os Args ' +
    'Exit Stdin Stdout Stderr bufio NewReader NewScanner NewWriter strings Builder Split Join Contains Fields TrimSpace strconv Atoi ' +
    'Itoa sort Slice Ints Strings errors New time Now Sleep Duration Second Millisecond sync Mutex WaitGroup math Sqrt Max Min rand main';

export const pack = () => [go(), words(keywords, names), indentUnit.of('\t')];
