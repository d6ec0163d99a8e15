import { Group, Text } from '@mantine/core';
import { Face } from '../ui/Face';

/** Somebody to choose: face, name, and below it the user ID, which tells two of one name apart. */
export function Named({ name, user }: { name: string; user: string }) {
  return (
    <Group gap="xs" wrap="nowrap" miw={0}>
      <Face name={name} size={28} />
      <div style={{ minWidth: 0 }}>
        <Text size="sm" truncate>
          {name}
        </Text>
        {name !== user && (
          <Text size="xs" c="dimmed" truncate>
            {user}
          </Text>
        )}
      </div>
    </Group>
  );
}
