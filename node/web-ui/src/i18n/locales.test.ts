import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const folder = join(import.meta.dirname, 'locales');
const languages = readdirSync(folder);
const spaces = ['common', 'admin', 'meeting', 'widget'] as const;
type Texts = Record<string, string>;

const texts = (language: string, space: string) =>
  JSON.parse(readFileSync(join(folder, language, `${space}.json`), 'utf8')) as Texts;

const PLURAL = /_(zero|one|two|few|many|other)$/;
const bare = (key: string) => key.replace(PLURAL, '');
const bareKeys = (of: Texts) => [...new Set(Object.keys(of).map(bare))].sort();
/** Names in `{{name}}` and tags in `<name>`, which code fills in. */
const slots = (text: string) => [...new Set(text.match(/\{\{\w+\}\}|<\/?\w+>/g) ?? [])].sort();

interface Use {
  where: string;
  /** The key, where `*` stands for what is only known at run time. */
  key: string;
}

/** What a first argument of `t` can be: texts, both sides of a condition, templates. */
function keysOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...keysOf(node.whenTrue), ...keysOf(node.whenFalse)];
  if (ts.isTemplateExpression(node))
    return [node.head.text + node.templateSpans.map((s) => `*${s.literal.text}`).join('')];
  return [];
}

function usesIn(path: string): Use[] {
  const source = ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
    ts.ScriptKind.TSX,
  );
  const found: Use[] = [];
  const add = (node: ts.Expression) => keysOf(node).forEach((key) => found.push({ where: path, key }));
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && node.arguments[0]) {
      const name = node.expression.getText(source);
      if (name === 't' || name === 'textOf' || name === 'i18n.t') add(node.arguments[0]);
    }
    if (ts.isJsxAttribute(node) && node.name.getText(source) === 'i18nKey' && node.initializer) {
      if (ts.isStringLiteral(node.initializer)) add(node.initializer);
    }
    // Tables of pages and sections name their texts by `key: 'nav.home'`.
    if (ts.isPropertyAssignment(node) && node.name.getText(source) === 'key') {
      keysOf(node.initializer).forEach((key) => /^\w+\.\w+$/.test(key) && found.push({ where: path, key }));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$|\.gen\.ts$/.test(path))
  .map((path) => join(root, path));
const uses = sources.flatMap(usesIn);
const pattern = (key: string) =>
  new RegExp(
    `^${key.replace(/^(common|admin|meeting):/, '').replace(/[.*+?^${}()|[\]\\]/g, (c) => (c === '*' ? '.+' : `\\${c}`))}$`,
  );

describe('texts', () => {
  const english = Object.fromEntries(spaces.map((space) => [space, texts('en', space)])) as Record<
    string,
    Texts
  >;
  const known = spaces.flatMap((space) => bareKeys(english[space]!));

  it('are there in more than one language', () => {
    expect(languages).toEqual(expect.arrayContaining(['en', 'fr']));
    expect(uses.length).toBeGreaterThan(300);
  });

  it.each(languages.flatMap((language) => spaces.map((space) => [language, space] as const)))(
    'in %s/%s are those of English, whole, with the same slots',
    (language, space) => {
      const mine = texts(language, space);
      expect(bareKeys(mine)).toEqual(bareKeys(english[space]!));
      for (const [key, text] of Object.entries(mine)) {
        expect(text.trim(), key).not.toBe('');
        const model = english[space]![key] ?? english[space]![`${bare(key)}_other`] ?? '';
        expect(slots(text), key).toEqual(slots(model));
      }
    },
  );

  it.each(languages)('in %s have every plural form that the language needs', (language) => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const space of spaces) {
      const mine = texts(language, space);
      const counted = Object.keys(mine).filter((key) => PLURAL.test(key));
      for (const key of new Set(counted.map(bare))) {
        expect(counted.filter((one) => bare(one) === key).sort(), key).toEqual(
          forms.map((form) => `${key}_${form}`).sort(),
        );
      }
    }
  });

  it('are there for every key that the code uses', () => {
    const missing = uses.filter(({ key }) => !known.some((one) => pattern(key).test(one)));
    expect(missing).toEqual([]);
  });

  it('are all used by the code', () => {
    const patterns = [...new Set(uses.map((use) => use.key))].map(pattern);
    expect(known.filter((key) => !patterns.some((one) => one.test(key)))).toEqual([]);
  });

  it('are there for every code of the contract', () => {
    const contract = readFileSync(join(root, '../../../docs/protocols/rest.md'), 'utf8');
    const codes = [...contract.matchAll(/^\| [45][\d, ]+ \| (.*) \|$/gm)].flatMap((line) =>
      [...line[1]!.matchAll(/`([a-z-]+)`/g)].map((code) => code[1]!),
    );
    expect(codes.length).toBeGreaterThan(20);
    expect(codes.filter((code) => !(`problem.${code}` in english.common!))).toEqual([]);
  });

  it('are there for every problem that a server finds in itself', () => {
    const source = readFileSync(join(root, '../../logic/cluster/src/problems.rs'), 'utf8');
    const codes = [...new Set([...source.matchAll(/"([a-z-]+)", Severity/g)].map((found) => found[1]!))];
    expect(codes.length).toBeGreaterThan(5);
    const parts = ['title', 'means', 'todo'];
    const wanted = codes.flatMap((code) => parts.map((part) => `trouble.${code}.${part}`));
    expect(wanted.filter((key) => !(key in english.admin!))).toEqual([]);
  });
});
