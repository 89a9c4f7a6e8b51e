import { completeAnyWord } from '@codemirror/autocomplete';
import { python, pythonLanguage } from '@codemirror/lang-python';
import { indentUnit } from '@codemirror/language';

export const pack = () => [python(), pythonLanguage.data.of({ autocomplete: completeAnyWord }), indentUnit.of('    ')];
