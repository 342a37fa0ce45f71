"""What somebody without a mouse or with weak eyes meets on a page, asked of the browser itself."""

from __future__ import annotations

from typing import Any

_REACHABLE = """
() => [...document.querySelectorAll('a[href], button, summary, input, select, textarea')].filter(
    e => e.type !== 'hidden' && !e.disabled && e.checkVisibility()).length
"""
_FOCUSED = """
() => {
    const e = document.activeElement;
    if (!e || e === document.body || e === document.documentElement) return null;
    const s = getComputedStyle(e), b = e.getBoundingClientRect();
    window.seen = window.seen || new Map();
    if (!window.seen.has(e)) window.seen.set(e, window.seen.size);
    return {no: window.seen.get(e), what: e.outerHTML.slice(0, 90),
            ring: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2,
            seen: b.width > 0 && b.bottom > 0 && b.top < innerHeight};
}
"""
_CONTRAST = """
() => {
    const parse = c => {
        const m = c.match(/[\\d.]+/g).map(Number);
        return m.length < 4 ? [...m, 1] : m;
    };
    const over = (f, b) => [0, 1, 2].map(i => f[i] * f[3] + b[i] * (1 - f[3]));
    const light = c => {
        const [r, g, b] = c.map(v => v / 255).map(
            v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const ground = e => {
        const found = [];
        for (let at = e; at; at = at.parentElement)
            found.unshift(parse(getComputedStyle(at).backgroundColor));
        return found.reduce((b, f) => over(f, b), [255, 255, 255]);
    };
    const poor = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n = walker.nextNode(); n; n = walker.nextNode()) {
        const e = n.parentElement;
        if (!n.data.trim() || !e.checkVisibility({visibilityProperty: true})) continue;
        if (['SCRIPT', 'STYLE', 'TITLE', 'OPTION'].includes(e.tagName.toUpperCase())) continue;
        if (e.closest('[aria-hidden=true]') || e.closest('.unseen, .skip')) continue;
        const s = getComputedStyle(e), b = ground(e), ink = e.closest('svg') ? s.fill : s.color;
        if (!ink.startsWith('rgb')) continue;
        const [x, y] = [light(over(parse(ink), b)), light(b)].sort((p, q) => q - p);
        const ratio = (x + .05) / (y + .05), size = parseFloat(s.fontSize);
        const large = size >= 24 || (size >= 18.66 && s.fontWeight >= 600);
        if (ratio < (large ? 3 : 4.5))
            poor.set(e.className + ' ' + n.data.trim().slice(0, 40), ratio.toFixed(2));
    }
    return [...poor];
}
"""


def count_reachable(page: Any) -> int:
    """Count what can be pressed, opened or filled in, as it stands now."""
    return int(page.evaluate(_REACHABLE))


def walk(page: Any, key: str) -> list[dict[str, Any]]:
    """Press a key until the focus leaves the page or comes round.

    Returns  one each: no, what, ring (its focus is drawn), seen (it is in the window)
    """
    walked: list[dict[str, Any]] = []
    for _ in range(600):
        page.keyboard.press(key)
        found = page.evaluate(_FOCUSED)
        if found is None or (walked and found["no"] == walked[0]["no"]):
            return walked
        walked.append(found)
    raise AssertionError("the focus never leaves the page")


def poor_contrasts(page: Any) -> list[tuple[str, str]]:
    """Name the texts whose colour is too near to their ground (WCAG 2.2 AA, 1.4.3)."""
    return [tuple(each) for each in page.evaluate(_CONTRAST)]
