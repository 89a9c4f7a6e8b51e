import { java } from '@codemirror/lang-java';
import { indentUnit } from '@codemirror/language';
import { words } from './words';

const keywords =
    'abstract assert boolean break byte case catch char class const continue default do double else enum extends final finally float for ' +
    'if implements import instanceof int interface long native new null package private protected public record return sealed short ' +
    'static strictfp super switch synchronized this throw throws transient true false try var void volatile while yield';
const names =
    'System out println printf print err in String StringBuilder Integer Long Double Boolean Character Object Math List ArrayList Map ' +
    'HashMap TreeMap Set HashSet Deque ArrayDeque PriorityQueue Arrays Collections Scanner BufferedReader InputStreamReader Stream ' +
    'IntStream Collectors Optional Thread Runnable Exception RuntimeException IllegalArgumentException Override length size get put add ' +
    'contains containsKey remove toString equals hashCode valueOf parseInt format main';

export const pack = () => [java(), words(keywords, names), indentUnit.of('    ')];
