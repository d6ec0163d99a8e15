import { Group, Text } from '@mantine/core';

/** The mark: two arcs of seats facing the front. */
export function Brand({ name, size = 28 }: { name: string; size?: number }) {
  return (
    <Group gap={10} wrap="nowrap" miw={0}>
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden style={{ flex: 'none' }}>
        <rect width="32" height="32" rx="8" fill="var(--mantine-color-indigo-8)" />
        <g fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round">
          <path d="M7 21a9 9 0 0 1 18 0" />
          <path d="M12 21a4 4 0 0 1 8 0" />
        </g>
      </svg>
      <Text fw={650} truncate>
        {name}
      </Text>
    </Group>
  );
}
