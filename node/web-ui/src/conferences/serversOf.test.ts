import { expect, test } from 'vitest';
import { serversOf } from './serversOf';

test('each other server is named once, and the own one never', () => {
  const people = [
    'ann',
    'ben@paris.example.com',
    'Kari@Oslo.example.net',
    'ola@oslo.example.net',
    'eva@rome.example.org',
  ];
  expect(serversOf(people, 'paris.example.com')).toEqual(['oslo.example.net', 'rome.example.org']);
});

test('of many servers the first ones are asked for', () => {
  const people = Array.from({ length: 50 }, (_, number) => `eva@s${number}.example.org`);
  expect(serversOf(people, 'paris.example.com')).toHaveLength(10);
});
