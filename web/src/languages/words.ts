// Completion for languages whose CodeMirror package has none: the language's own words, and those that the program has already.

import { completeAnyWord, completeFromList, ifNotIn, type Completion } from '@codemirror/autocomplete';
import { EditorState, type Extension } from '@codemirror/state';

const elsewhere = ['String', 'LineComment', 'BlockComment', 'Comment', 'string', 'comment'];

// keywords and names: separated by blanks.
export function words(keywords: string, names: string): Extension {
    const list: Completion[] = [
        ...keywords.split(' ').map((word) => ({ label: word, type: 'keyword' })),
        ...names.split(' ').map((word) => ({ label: word, type: 'function' })),
    ];
    const source = ifNotIn(elsewhere, completeFromList(list));
    return EditorState.languageData.of(() => [{ autocomplete: source }, { autocomplete: ifNotIn(elsewhere, completeAnyWord) }]);
}
