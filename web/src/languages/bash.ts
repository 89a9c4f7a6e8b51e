import { StreamLanguage } from '@codemirror/language';
import { shell } from '@codemirror/legacy-modes/mode/shell';
import { words } from './words';

const keywords = 'if then else elif fi case esac for select while until do done in function time local declare readonly export return break continue';
const names =
    'echo printf read cd pwd test exit set unset shift source eval exec trap wait kill jobs getopts let mapfile readarray type command ' +
    'cat grep sed awk sort uniq wc head tail cut tr tee xargs find ls mkdir rm cp mv touch chmod date seq sleep basename dirname expr bc';

export const pack = () => [StreamLanguage.define(shell), words(keywords, names)];
