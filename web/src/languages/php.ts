import { completeAnyWord } from '@codemirror/autocomplete';
import { php, phpLanguage } from '@codemirror/lang-php';
import { indentUnit } from '@codemirror/language';
import { words } from './words';

const keywords =
    'abstract and array as break callable case catch class clone const continue declare default do echo else elseif empty enum extends ' +
    'final finally fn for foreach function global if implements include instanceof interface isset list match namespace new null or ' +
    'print private protected public readonly require return static switch throw trait true false try unset use var while yield';
const names =
    'array_filter array_key_exists array_keys array_map array_merge array_pop array_push array_reduce array_reverse array_slice array_sum ' +
    'array_unique array_values count explode implode in_array is_array is_numeric json_decode json_encode ksort max min number_format ' +
    'preg_match preg_replace preg_split printf range round rsort sort sprintf str_contains str_pad str_repeat str_replace strlen strpos ' +
    'strrev strtolower strtoupper substr trim ucfirst usort var_dump file_get_contents fgets STDIN STDERR PHP_EOL intdiv';

export const pack = () => [php(), words(keywords, names), phpLanguage.data.of({ autocomplete: completeAnyWord }), indentUnit.of('    ')];
