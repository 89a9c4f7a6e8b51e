// xterm.js 6 makes <style> elements, and style attributes for colours beyond the first 256; the page's Content-Security-Policy has no
// place for either. Its option documentOverride does not reach all places where it does so. So from when a terminal is wanted, <style>
// elements and spans that are made in this page put their styles through the object model, which a policy does not mind.

function setAttribute(this: HTMLElement, name: string, value: string): void {
    if (name === 'style') this.style.cssText = value;
    else HTMLElement.prototype.setAttribute.call(this, name, value);
}

// Stands where the <style> would: its text becomes a sheet of the page.
function styleElement(element: HTMLElement): HTMLElement {
    const sheet = new CSSStyleSheet();
    element.hidden = true;
    document.adoptedStyleSheets.push(sheet);
    Object.defineProperty(element, 'textContent', { set: (text: string) => sheet.replaceSync(text), get: () => '' });
    element.remove = () => {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
        HTMLElement.prototype.remove.call(element);
    };
    return element;
}

export function styleByObjectModel(): void {
    if (Object.hasOwn(document, 'createElement')) return;
    const createPlain = document.createElement.bind(document);
    const createElement = (name: string, options?: ElementCreationOptions) => {
        if (name === 'style') return styleElement(createPlain('span'));
        const element = createPlain(name, options);
        if (name === 'span') element.setAttribute = setAttribute;
        return element;
    };
    document.createElement = createElement as typeof document.createElement;
}
