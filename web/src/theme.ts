// Light, dark, or as the system has it. The choice is an attribute of <html>; style.css does the rest.

import { label, type Icon } from './dom';

const order = ['system', 'light', 'dark'] as const;
type Theme = (typeof order)[number];

const looks: Record<Theme, { icon: Icon; words: string }> = {
    system: { icon: 'auto', words: "Theme: the system's" },
    light: { icon: 'sun', words: 'Theme: light' },
    dark: { icon: 'moon', words: 'Theme: dark' },
};

const key = 'glimpse.theme'; // theme-first.js reads it, too

function chosen(): Theme {
    const theme = document.documentElement.dataset['theme'];
    return theme === 'light' || theme === 'dark' ? theme : 'system';
}

function choose(theme: Theme): void {
    try {
        if (theme === 'system') localStorage.removeItem(key);
        else localStorage.setItem(key, theme);
    } catch {
        // Not kept: it lasts until the page is left.
    }
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
}

export function isDark(): boolean {
    const theme = chosen();
    return theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}

// Calls back when dark becomes light or the other way round, by whatever.
export function onThemeChange(callback: () => void): void {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', callback);
    new MutationObserver(callback).observe(document.documentElement, { attributeFilter: ['data-theme'] });
}

export function themeButton(button: HTMLButtonElement): void {
    const show = () => label(button, looks[chosen()].icon, looks[chosen()].words);
    button.addEventListener('click', () => {
        choose(order[(order.indexOf(chosen()) + 1) % order.length] ?? 'system');
        show();
    });
    show();
}
