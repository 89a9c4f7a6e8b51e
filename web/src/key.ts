// A server that lets only holders of a key run programs: asks for it, and keeps it in this browser.

import { dialog, el } from './dom';
import { save } from './store';

// why: what the server said. onKey: to try again what it refused.
export function askForKey(why: string, onKey: () => void): void {
    const field = el('input', { id: 'api-key', class: 'control mono', type: 'password', autocomplete: 'off', spellcheck: 'false' });
    const keep = el('button', { type: 'submit', class: 'button primary' }, 'Use it');
    const form = el('form', { method: 'dialog', class: 'link-row' }, el('label', { for: 'api-key' }, 'Key'), field, keep);
    const element = dialog('This server wants a key', el('p', {}, `It said: ${why}.`), form, el('p', { class: 'muted' }, 'It is kept in this browser, and sent to this server only.'));
    form.addEventListener('submit', () => {
        if (field.value.trim() === '') return;
        save('key', field.value.trim());
        element.close();
        onKey();
    });
    element.showModal();
    field.focus();
}
