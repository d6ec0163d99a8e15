import { expect, it } from 'vitest';
import { addressOf, serverOf } from './foreign';

it('knows whose conference it is', () => {
  expect(serverOf('review')).toBeNull();
  expect(serverOf('review@oslo.example.net')).toBe('oslo.example.net');
});

it('leads to the pages of its server', () => {
  expect(addressOf('review', 'https://meet.example.com')).toBe('https://meet.example.com/m/review');
  expect(addressOf('review@oslo.example.net', 'https://meet.example.com')).toBe(
    'https://oslo.example.net/m/review',
  );
});
