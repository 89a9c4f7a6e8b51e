import { cpp } from '@codemirror/lang-cpp';
import { indentUnit } from '@codemirror/language';
import { words } from './words';

const keywords =
    'alignas auto bool break case catch char class concept const consteval constexpr continue co_await co_return co_yield decltype default ' +
    'delete do double else enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept ' +
    'nullptr operator private protected public requires return short signed sizeof static static_assert struct switch template this ' +
    'throw true try typedef typename union unsigned using virtual void volatile while override final include define std';
const names =
    'cout cin cerr endl string string_view vector array map unordered_map set unordered_set deque queue priority_queue stack pair tuple ' +
    'optional variant unique_ptr shared_ptr make_unique make_shared make_pair move forward swap sort stable_sort find find_if count ' +
    'accumulate transform for_each reverse unique lower_bound upper_bound binary_search min max clamp iota push_back emplace_back pop_back ' +
    'size empty begin end insert erase substr getline to_string stoi stod function thread mutex lock_guard chrono format println main';

export const pack = () => [cpp(), words(keywords, names), indentUnit.of('    ')];
