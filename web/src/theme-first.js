// Runs before the first paint, so that nobody who chose dark sees a white flash. theme.ts has the rest.
(function () {
    var theme = null;
    try {
        theme = localStorage.getItem('glimpse.theme');
    } catch (_) {
        // A browser that keeps nothing: the system's theme.
    }
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
