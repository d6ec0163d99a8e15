import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SearchHit } from '../api/types';
import { Face } from './Face';
import classes from './FoundOption.module.css';
import { PresenceStatus } from './Status';

/** Somebody or something that was found: who, what and where it is, and what they do now. */
export function FoundOption({ hit }: { hit: SearchHit }) {
  const { t } = useTranslation();
  const about = [hit.job_title, hit.department].filter(Boolean).join(', ');
  const name = hit.display_name || hit.id;
  return (
    <Group gap="xs" wrap="nowrap" miw={0} className={classes.row}>
      <Face name={name} size={28} />
      <div style={{ minWidth: 0, flex: 1 }}>
        <Text size="sm" truncate>
          {name}
        </Text>
        <Text size="xs" c="dimmed" truncate>
          {hit.kind === 'user' ? about || hit.id : t(`find.kind.${hit.kind}`)} · {hit.server}
        </Text>
      </div>
      {hit.presence && <PresenceStatus presence={hit.presence} />}
    </Group>
  );
}
