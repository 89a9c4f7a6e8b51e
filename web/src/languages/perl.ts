import { indentUnit, StreamLanguage } from '@codemirror/language';
import { perl } from '@codemirror/legacy-modes/mode/perl';
import { words } from './words';

const keywords = 'my our local sub if elsif else unless while until for foreach last next redo return use no package require BEGIN END and or not';
const names =
    'print printf say sprintf open close eof die warn chomp chop chr ord lc uc lcfirst ucfirst length substr index rindex reverse join ' +
    'split push pop shift unshift splice keys values each exists delete defined scalar sort map grep wantarray ref bless abs int sqrt ' +
    'rand srand time localtime sleep exit eval local strict warnings STDIN STDOUT STDERR';

export const pack = () => [StreamLanguage.define(perl), words(keywords, names), indentUnit.of('    ')];
