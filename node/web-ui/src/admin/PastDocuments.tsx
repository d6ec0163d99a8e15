import { Anchor, Group, Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queries } from '../api/queries';
import { useClose } from '../ui/Confirm';
import { linked } from '../ui/linked';
import { ErrorState, Loading } from '../ui/States';
import { exactTime, useAdminText } from '../ui/text';

/** What the document of a place was before; null: none is looked at. */
export function PastDocuments({ place, close }: { place: number | null; close: () => void }) {
  const { t } = useAdminText();
  const cross = useClose();
  return (
    <Modal
      opened={place !== null}
      onClose={close}
      size="lg"
      title={t('documents.versions')}
      closeButtonProps={cross}
    >
      {place !== null && <Versions place={place} />}
    </Modal>
  );
}

function Versions({ place }: { place: number }) {
  const { t } = useAdminText();
  const past = useQuery(queries.pastDocuments(place));
  const [read, setRead] = useState<string | null>(null);
  if (past.error) return <ErrorState error={past.error} retry={() => void past.refetch()} />;
  if (!past.data) return <Loading rows={3} height={36} />;
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {past.data.length === 0 ? t('documents.noVersions') : t('documents.versionsHint')}
      </Text>
      {past.data.map(({ title, link, version, until }) => (
        <Stack key={version} gap={4}>
          <Group justify="space-between" gap="sm">
            {link === null ? (
              <Anchor
                component="button"
                type="button"
                size="sm"
                underline="always"
                aria-expanded={read === version}
                aria-label={t('documents.readVersion', { version, title })}
                onClick={() => setRead(read === version ? null : version)}
              >
                {title}
              </Anchor>
            ) : (
              <Anchor size="sm" underline="always" href={link} target="_blank" rel="noopener noreferrer">
                {title}
              </Anchor>
            )}
            <Text size="xs" c="dimmed">
              {t('documents.version', { version })} · {t('documents.until', { time: exactTime(until) })}
            </Text>
          </Group>
          {read === version && <Reading place={place} version={version} />}
        </Stack>
      ))}
    </Stack>
  );
}

function Reading({ place, version }: { place: number; version: string }) {
  const whole = useQuery(queries.pastDocument(place, version));
  if (whole.error) return <ErrorState error={whole.error} retry={() => void whole.refetch()} />;
  if (!whole.data) return <Loading rows={4} height={24} />;
  return (
    <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
      {linked(whole.data.text ?? '')}
    </Text>
  );
}
