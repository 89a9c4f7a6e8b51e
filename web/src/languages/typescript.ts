import { completeAnyWord } from '@codemirror/autocomplete';
import { javascript, typescriptLanguage } from '@codemirror/lang-javascript';

export const pack = () => [javascript({ typescript: true }), typescriptLanguage.data.of({ autocomplete: completeAnyWord })];
