import { defineConfig } from '@hey-api/openapi-ts';

/** Types of what calls take and answer, and of the messages of the WebSocket. */
export default defineConfig({
  input: '../../base/contracts/openapi/v1.json',
  output: { path: 'src/api/generated', entryFile: false },
  plugins: ['@hey-api/typescript'],
  parser: {
    patch: {
      // Headers and refusals are alike at all calls: src/api/calls.ts and src/api/problem.ts know them.
      operations: (_method, _path, operation) => {
        const { parameters = [], responses = {} } = operation;
        Object.assign(operation, {
          parameters: parameters.filter((one) => !('in' in one && one.in === 'header')),
          responses: Object.fromEntries(Object.entries(responses).filter(([status]) => status < '300')),
        });
      },
    },
  },
});
