import { beforeEach, describe, expect, it } from 'vitest';
import { addressOf, linkIn, links, ownLink } from './links';

describe('personal links', () => {
  beforeEach(() => {
    localStorage.clear();
    history.replaceState(null, '', '/');
  });

  it('are read from the address that was made of them', () => {
    const address = new URL(addressOf('webinar', 'guest-a.b+c', 'https://example.com'));
    expect(address.pathname).toBe('/m/webinar');
    expect(address.search).toBe('');
    expect(linkIn(address.hash)).toBe('guest-a.b+c');
  });

  it('are kept in the browser, and taken out of the address', () => {
    history.replaceState(null, '', '/m/webinar?now=true#r=guest-a.secret');
    expect(ownLink('webinar')).toBe('guest-a.secret');
    expect(location.hash).toBe('');
    expect(location.search).toBe('?now=true');
    expect(ownLink('webinar')).toBe('guest-a.secret');
    expect(ownLink('other')).toBeNull();
    links.forget('webinar');
    expect(ownLink('webinar')).toBeNull();
  });

  it('are none where the address says something else', () => {
    expect(linkIn('')).toBeNull();
    expect(linkIn('#chat')).toBeNull();
    expect(linkIn('#r=')).toBeNull();
  });
});
