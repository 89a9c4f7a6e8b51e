// The editor: CodeMirror in a shadow root, where it may have its own style sheets without the page's
// Content-Security-Policy allowing inline ones. One state for each file; colours are variables of style.css.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import {
    bracketMatching,
    foldGutter,
    foldKeymap,
    HighlightStyle,
    indentOnInput,
    indentUnit,
    syntaxHighlighting,
} from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorSelection, EditorState, StateEffect, StateField, type Extension } from '@codemirror/state';
import {
    crosshairCursor,
    Decoration,
    drawSelection,
    dropCursor,
    EditorView,
    highlightActiveLine,
    highlightActiveLineGutter,
    highlightSpecialChars,
    keymap,
    lineNumbers,
    rectangularSelection,
    type DecorationSet,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { languagePack } from './languages';
import { isDark, onThemeChange } from './theme';

const colors = HighlightStyle.define([
    { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: 'var(--code-keyword)' },
    { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.character], color: 'var(--code-string)' },
    { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.escape], color: 'var(--code-constant)' },
    { tag: [tags.comment, tags.meta], color: 'var(--code-comment)' },
    { tag: [tags.typeName, tags.className, tags.namespace, tags.standard(tags.typeName)], color: 'var(--code-type)' },
    {
        tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.standard(tags.name), tags.macroName],
        color: 'var(--code-function)',
    },
    { tag: [tags.definition(tags.variableName), tags.variableName, tags.propertyName], color: 'var(--code-name)' },
    { tag: [tags.special(tags.variableName), tags.processingInstruction, tags.self], color: 'var(--code-special)' },
    { tag: tags.invalid, color: 'var(--bad)' },
]);

const look = {
    '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--pane)', fontSize: 'var(--code-size)' },
    '&.cm-focused': { outline: 'none' },
    '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
    '.cm-content': { caretColor: 'var(--text)', padding: '10px 0' },
    '.cm-line': { padding: '0 12px 0 6px' },
    '.cm-cursor, .cm-dropCursor': { borderLeftColor: 'var(--text)', borderLeftWidth: '1.5px' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: 'var(--selection)',
    },
    '.cm-gutters': { backgroundColor: 'var(--pane)', color: 'var(--faint)', border: 'none', userSelect: 'none' },
    '.cm-lineNumbers .cm-gutterElement': { padding: '0 4px 0 14px', minWidth: '34px' },
    '.cm-activeLine': { backgroundColor: 'var(--line)' },
    '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--text)' },
    '.cm-pointedLine': { backgroundColor: 'var(--pointed)' },
    '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--match)', outline: 'none' },
    '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'transparent', color: 'var(--bad)' },
    '.cm-selectionMatch': { backgroundColor: 'var(--match)' },
    '.cm-searchMatch': { backgroundColor: 'var(--match)' },
    '.cm-searchMatch-selected': { backgroundColor: 'var(--pointed)' },
    '.cm-panels': { backgroundColor: 'var(--page)', color: 'var(--text)' },
    '.cm-panels-bottom': { borderTop: '1px solid var(--border)' },
    '.cm-panel.cm-search': { padding: '8px 10px', fontFamily: 'var(--sans)' },
    '.cm-textfield': {
        backgroundColor: 'var(--pane)',
        border: '1px solid var(--border-strong)',
        borderRadius: '5px',
        padding: '3px 7px',
    },
    '.cm-button': {
        backgroundImage: 'none',
        backgroundColor: 'var(--pane)',
        border: '1px solid var(--border-strong)',
        borderRadius: '5px',
        color: 'var(--text)',
    },
    '.cm-tooltip': {
        backgroundColor: 'var(--pane)',
        color: 'var(--text)',
        border: '1px solid var(--border-strong)',
        borderRadius: '6px',
        overflow: 'hidden',
        boxShadow: 'var(--shadow)',
    },
    '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '14em' },
    '.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px' },
    '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
    '.cm-foldPlaceholder': { backgroundColor: 'var(--match)', border: 'none', color: 'var(--muted)', padding: '0 6px' },
};

// ---- the line that a message points at ----

const point = StateEffect.define<number | null>(); // a position

const pointed = StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(lines, transaction) {
        let next = transaction.docChanged ? Decoration.none : lines;
        for (const effect of transaction.effects) {
            if (!effect.is(point)) continue;
            next = effect.value === null ? Decoration.none : Decoration.set(Decoration.line({ class: 'cm-pointedLine' }).range(effect.value));
        }
        return next;
    },
    provide: (field) => EditorView.decorations.from(field),
});

export interface EditorEvents {
    onChange(content: string): void;
    onRun(): void;
}

export class Editor {
    private readonly view: EditorView;
    private readonly language = new Compartment();
    private readonly theme = new Compartment();
    private readonly name = new Compartment();
    private languageId = '';
    private pack: Extension = [];

    constructor(
        parent: HTMLElement,
        private readonly events: EditorEvents,
    ) {
        const root = parent.attachShadow({ mode: 'open' });
        this.view = new EditorView({ parent: root, root, state: this.newState('') });
        onThemeChange(() => this.view.dispatch({ effects: this.theme.reconfigure(this.themeNow()) }));
    }

    newState(content: string, fileName = 'Program'): EditorState {
        return EditorState.create({
            doc: content,
            extensions: [
                lineNumbers(),
                foldGutter(),
                highlightActiveLineGutter(),
                highlightSpecialChars(),
                history(),
                drawSelection(),
                dropCursor(),
                EditorState.allowMultipleSelections.of(true),
                EditorState.tabSize.of(4),
                indentOnInput(),
                bracketMatching(),
                closeBrackets(),
                autocompletion({ icons: false }),
                rectangularSelection(),
                crosshairCursor(),
                highlightActiveLine(),
                highlightSelectionMatches(),
                pointed,
                syntaxHighlighting(colors),
                this.language.of(this.pack),
                this.theme.of(this.themeNow()),
                this.name.of(this.nameIs(fileName)),
                indentUnit.of('  '),
                keymap.of([
                    { key: 'Mod-Enter', run: () => (this.events.onRun(), true) },
                    ...closeBracketsKeymap,
                    ...defaultKeymap,
                    ...searchKeymap,
                    ...historyKeymap,
                    ...foldKeymap,
                    ...completionKeymap,
                    indentWithTab,
                ]),
                EditorView.updateListener.of((update) => {
                    if (update.docChanged) this.events.onChange(update.state.doc.toString());
                }),
            ],
        });
    }

    get state(): EditorState {
        return this.view.state;
    }

    // Shows this file; what was shown is in `state` before.
    show(state: EditorState, fileName: string): void {
        this.view.setState(state);
        // It may be older than the language or the theme that is chosen now.
        this.view.dispatch({
            effects: [
                this.language.reconfigure(this.pack),
                this.theme.reconfigure(this.themeNow()),
                this.name.reconfigure(this.nameIs(fileName)),
            ],
        });
    }

    async setLanguage(id: string): Promise<void> {
        this.languageId = id;
        const pack = await languagePack(id);
        if (this.languageId !== id) return; // another was chosen meanwhile
        this.pack = pack;
        this.view.dispatch({ effects: this.language.reconfigure(pack) });
    }

    // Line and column from 1; what is beyond the text is its end.
    goTo(line: number, column: number | null): void {
        const { doc } = this.view.state;
        const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
        const position = Math.min(at.from + Math.max((column ?? 1) - 1, 0), at.to);
        this.view.dispatch({
            selection: EditorSelection.cursor(position),
            effects: [point.of(at.from), EditorView.scrollIntoView(position, { y: 'center' })],
        });
        this.view.focus();
    }

    forgetPoint(): void {
        this.view.dispatch({ effects: point.of(null) });
    }

    focus(): void {
        this.view.focus();
    }

    private themeNow(): Extension {
        return EditorView.theme(look, { dark: isDark() });
    }

    private nameIs(fileName: string): Extension {
        return EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': `${fileName}; Escape, then Tab leaves the editor` });
    }
}
