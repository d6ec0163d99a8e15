import { describe, expect, it } from 'vitest';
import { isReachableFrom, Nodes } from './nodes';

const storage = () => {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
};
const page = new URL('https://a.example.com/admin');

describe('nodes', () => {
  it.each([
    ['https://b.example.com', true],
    ['http://b.example.com', false],
    ['https://127.0.0.1:8443', false],
    ['javascript:alert(1)', false],
    ['not an address', false],
  ])('%s can be reached from a page of a.example.com: %s', (url, expected) => {
    expect(isReachableFrom(page, url)).toBe(expected);
  });

  it('are tried in turn and come round to the first', () => {
    const nodes = new Nodes(page, storage());
    nodes.learn(['https://b.example.com', 'https://c.example.com/']);
    const tried = [0, 1, 2, 3].map(() => {
      const now = nodes.current();
      nodes.moveOn(now);
      return now;
    });
    expect(tried).toEqual([
      'https://a.example.com',
      'https://b.example.com',
      'https://c.example.com',
      'https://a.example.com',
    ]);
  });

  it('are left only once when two calls fail at the same one', () => {
    const nodes = new Nodes(page, storage());
    nodes.learn(['https://b.example.com', 'https://c.example.com']);
    nodes.moveOn('https://a.example.com');
    nodes.moveOn('https://a.example.com');
    expect(nodes.current()).toBe('https://b.example.com');
  });

  it('are remembered by the next page', () => {
    const kept = storage();
    new Nodes(page, kept).learn(['https://b.example.com']);
    expect(new Nodes(page, kept).all()).toEqual(['https://a.example.com', 'https://b.example.com']);
  });

  it('follow the hint of a node that is taken out of service', () => {
    const nodes = new Nodes(page, storage());
    nodes.moveTo(['http://unsafe.example.com', 'https://d.example.com/path']);
    expect(nodes.current()).toBe('https://d.example.com');
  });
});
