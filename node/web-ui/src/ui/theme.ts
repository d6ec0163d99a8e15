import {
  createTheme,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  Modal,
  Drawer,
  Tooltip,
} from '@mantine/core';

const slate: MantineColorsTuple = [
  '#f8fafc',
  '#f1f5f9',
  '#e6ebf1',
  '#d8e0e9',
  '#c6d1dd',
  '#94a3b8',
  '#64748b',
  '#475569',
  '#334155',
  '#1e293b',
];
const night: MantineColorsTuple = [
  '#dfe6ee',
  '#b7c3d2',
  '#94a3b8',
  '#64748b',
  '#38455a',
  '#2a3547',
  '#1c2533',
  '#131a25',
  '#0e141d',
  '#090d13',
];

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  luminanceThreshold: 0.24,
  colors: { gray: slate, dark: night },
  fontFamily: "'Noto Sans Variable', system-ui, sans-serif",
  fontSizes: { xs: '12px', sm: '14px', md: '16px', lg: '20px', xl: '28px' },
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '28px', lineHeight: '1.25' },
      h2: { fontSize: '20px', lineHeight: '1.3' },
      h3: { fontSize: '16px', lineHeight: '1.4' },
      h4: { fontSize: '14px', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({ defaultProps: { transitionProps: { duration: 120 }, centered: true } }),
    Drawer: Drawer.extend({ defaultProps: { transitionProps: { duration: 150 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, transitionProps: { duration: 80 } } }),
  },
});

/** Mantine's own error, dimmed and placeholder texts are under 4.5:1. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-error': 'var(--mantine-color-red-9)',
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-7)',
    '--mantine-color-body': '#ffffff',
    '--plenary-ground': 'var(--mantine-color-gray-0)',
    '--plenary-line': 'var(--mantine-color-gray-3)',
    '--plenary-good': '#18713a',
    '--plenary-warn': '#8f4b00',
    '--plenary-bad': '#b3211e',
    '--plenary-note': '#2f4fc4',
  },
  dark: {
    '--mantine-color-error': 'var(--mantine-color-red-4)',
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-1)',
    '--mantine-color-anchor': 'var(--mantine-color-indigo-3)',
    '--plenary-ground': 'var(--mantine-color-dark-8)',
    '--plenary-line': 'var(--mantine-color-dark-4)',
    '--plenary-good': '#6bd08b',
    '--plenary-warn': '#f3b04f',
    '--plenary-bad': '#ff8d85',
    '--plenary-note': '#a5b8ff',
  },
});
