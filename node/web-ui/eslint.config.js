import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

const words = '/[A-Za-zÀ-ÿ]{2}/';
const spoken = '/^(label|title|placeholder|description|alt|aria-label|aria-description|nothingFound|error)$/';
const say = 'Texts for people belong into src/i18n/locales, in every language.';

export default ts.config(
  { ignores: ['dist', 'src/routeTree.gen.ts', 'src/api/generated', 'test-results'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  hooks.configs.flat.recommended,
  {
    files: ['src/**/*.tsx'],
    ignores: ['src/**/*.test.tsx'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: `JSXText[value=${words}]`, message: say },
        { selector: `JSXAttribute[name.name=${spoken}] > Literal[value=${words}]`, message: say },
        {
          selector: `JSXAttribute[name.name=${spoken}] > JSXExpressionContainer > :matches(Literal[value=${words}], TemplateLiteral[quasis.0.value.raw=${words}])`,
          message: say,
        },
        { selector: `JSXElement > JSXExpressionContainer > Literal[value=${words}]`, message: say },
      ],
    },
  },
);
