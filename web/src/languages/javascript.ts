import { completeAnyWord } from '@codemirror/autocomplete';
import { javascript, javascriptLanguage } from '@codemirror/lang-javascript';

export const pack = () => [javascript(), javascriptLanguage.data.of({ autocomplete: completeAnyWord })];
