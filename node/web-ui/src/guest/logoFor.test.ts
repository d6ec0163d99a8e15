import { describe, expect, it } from 'vitest';
import { logoFor } from './logoFor';

describe('the logo', () => {
  it('is the one for the ground, else the other one, else none', () => {
    expect(logoFor({ light: '7', dark: '8' }, 'dark')).toBe('/api/v1/logos/dark?version=8');
    expect(logoFor({ light: '7', dark: null }, 'dark')).toBe('/api/v1/logos/light?version=7');
    expect(logoFor({ light: null, dark: '8' }, 'light')).toBe('/api/v1/logos/dark?version=8');
    expect(logoFor({ light: null, dark: null }, 'light')).toBeNull();
  });
});
