import { expect, it } from 'vitest';
import { addressOf, ofServer, serverOf } from './foreign';

it('knows whose conference it is', () => {
  expect(serverOf('review')).toBeNull();
  expect(serverOf('review@oslo.example.net')).toBe('oslo.example.net');
});

it('leads to the pages of its server', () => {
  expect(addressOf('review', 'https://meet.example.com')).toBe('https://meet.example.com/m/review');
  expect(addressOf('review@oslo.example.net', 'https://meet.example.com')).toBe(
    'https://oslo.example.net/m/review',
  );
  const pages = 'https://meet.oslo.example.net:8443';
  expect(addressOf('review@oslo.example.net', 'https://meet.example.com', pages)).toBe(`${pages}/m/review`);
});

it('is of the server whose pages it was found at', () => {
  expect(ofServer('review@meet.oslo.example.net', 'oslo.example.net')).toBe('review@oslo.example.net');
  expect(ofServer('review', 'oslo.example.net')).toBe('review@oslo.example.net');
});
