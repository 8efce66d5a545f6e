"""An accessibility check that runs in the page: what of WCAG 2.2 AA a machine can see without a network.

Rule: it returns complaints as texts; no complaint is the only good answer. Source: WCAG 2.2: 1.3.1, 1.4.3, 1.4.10,
1.4.11, 2.4.2, 2.5.8, 3.1.1, 3.3.2, 3.3.8, 4.1.2.
"""

from __future__ import annotations

AUDIT = r"""
(() => {
  const bad = [], doc = document, all = s => [...doc.querySelectorAll(s)];
  const parse = c => (c.match(/[0-9.]+/g) || []).map(Number);
  const light = c => parse(c).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const solid = c => { const p = parse(c); return p.length === 3 || p[3] === 1; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor; if (solid(c)) return c; } return 'rgb(255, 255, 255)'; };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m); return (x + .05) / (y + .05); };
  if (!/^[a-z]{2}(-[A-Za-z]+)?$/.test(doc.documentElement.lang)) bad.push('no language');
  if ((doc.documentElement.dir === 'rtl') !== (doc.documentElement.lang === 'ar')) bad.push('direction');
  if (!doc.title.trim()) bad.push('no title');
  for (const [name, wanted] of [['h1', 1], ['main', 1], ['header', 1]])
    if (all(name).length !== wanted) bad.push(`${all(name).length} ${name}`);
  const ids = all('[id]').map(e => e.id);
  if (new Set(ids).size !== ids.length) bad.push('an id stands twice');
  if (!/initial-scale=1/.test(doc.querySelector('meta[name=viewport]')?.content || '')) bad.push('no viewport');
  if (/maximum-scale|user-scalable/.test(doc.querySelector('meta[name=viewport]').content)) bad.push('zoom forbidden');
  if (doc.documentElement.scrollWidth > innerWidth) bad.push(`overflow ${doc.documentElement.scrollWidth}`);
  for (const e of all('input:not([type=hidden])')) {
    if (!e.labels.length || !e.labels[0].innerText.trim()) bad.push(`no label: ${e.name}`);
    if (!e.autocomplete) bad.push(`no autocomplete: ${e.name}`);
    if (e.getAttribute('aria-describedby') && !doc.getElementById(e.getAttribute('aria-describedby')))
      bad.push(`described by nothing: ${e.name}`);
    if (e.onpaste || e.readOnly) bad.push(`no paste: ${e.name}`);
    if (contrast(getComputedStyle(e).borderColor, behind(e.parentElement)) < 3) bad.push(`faint border: ${e.name}`);
  }
  for (const e of all('a, button')) if (!e.innerText.trim()) bad.push(`no name: ${e.outerHTML}`);
  for (const e of all('a, button, input:not([type=hidden])')) {
    const box = e.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) bad.push(`small: ${e.outerHTML}`);
    if (e.tabIndex !== 0) bad.push(`out of the tab order: ${e.outerHTML}`);
  }
  for (const e of all('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const ratio = contrast(getComputedStyle(e).color, behind(e));
    if (!(ratio >= 4.5)) bad.push(`faint ${ratio.toFixed(2)}: ${e.innerText}`);
  }
  if (all('[onclick], [style], script, img:not([alt])').length) bad.push('scripts, styles or pictures in the page');
  return bad;
})()
"""
