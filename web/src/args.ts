// Words as a shell parts them: blanks part, quotes and backslashes keep together. What is not closed ends with the text.
export function splitArgs(text: string): string[] {
    const args: string[] = [];
    let word = '';
    let isOpen = false;
    let quote = '';
    for (let i = 0; i < text.length; i++) {
        const c = text.charAt(i);
        if (quote === '' && /\s/.test(c)) {
            if (isOpen) args.push(word);
            word = '';
            isOpen = false;
        } else if (c === quote) quote = '';
        else if (quote === '' && (c === '"' || c === "'")) {
            quote = c;
            isOpen = true;
        } else {
            if (c === '\\' && quote !== "'" && i + 1 < text.length) i++;
            word += text.charAt(i);
            isOpen = true;
        }
    }
    if (isOpen) args.push(word);
    return args;
}

// The other way round.
export function joinArgs(args: string[]): string {
    return args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`)).join(' ');
}
