import { Button, Fieldset, Group, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { DocumentHead } from '../api/types';
import { DocumentLink } from '../guest/DocumentLink';
import { Confirm } from '../ui/Confirm';
import { tell } from '../ui/notify';
import { useAdminText } from '../ui/text';
import { EditDocument } from './EditDocument';
import { PastDocuments } from './PastDocuments';

const PLACES = [1, 2, 3, 4, 5];

/** What guests agree to before they come in. It is kept at once. */
export function DocumentSettings({ readOnly }: { readOnly: boolean }) {
  const { t } = useAdminText();
  const server = useQuery(queries.server());
  const cache = useQueryClient();
  const [edited, edit] = useState<number | null>(null);
  const [looked, look] = useState<number | null>(null);
  const [removed, remove] = useState<DocumentHead | null>(null);
  const documents = server.data?.documents ?? [];
  const free = PLACES.find((place) => !documents.some((document) => document.place === place));
  const again = () => cache.invalidateQueries({ queryKey: ['server'] });
  return (
    <Fieldset id="documents" legend={t('documents.title')} style={{ scrollMarginTop: 72 }}>
      <Text size="sm" c="dimmed" mb="sm">
        {t('documents.hint')}
      </Text>
      <Stack gap="sm" align="stretch">
        {documents.length === 0 && server.data && <Text size="sm">{t('documents.none')}</Text>}
        {documents.map((document) => (
          <Group key={document.place} justify="space-between" gap="sm">
            <DocumentLink document={document} />
            <Group gap="xs">
              <Button
                size="xs"
                variant="default"
                aria-label={t('documents.versionsNamed', { title: document.title })}
                onClick={() => look(document.place)}
              >
                {t('documents.versions')}
              </Button>
              {!readOnly && (
                <>
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={t('documents.editNamed', { title: document.title })}
                    onClick={() => edit(document.place)}
                  >
                    {t('documents.edit')}
                  </Button>
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={t('documents.removeNamed', { title: document.title })}
                    onClick={() => remove(document)}
                  >
                    {t('documents.remove')}
                  </Button>
                </>
              )}
            </Group>
          </Group>
        ))}
        {!readOnly && free !== undefined && server.data && (
          <Group>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPlus size={14} aria-hidden />}
              onClick={() => edit(free)}
            >
              {t('documents.add')}
            </Button>
          </Group>
        )}
      </Stack>
      <EditDocument
        place={edited}
        head={documents.find((document) => document.place === edited) ?? null}
        close={() => edit(null)}
        saved={again}
      />
      <PastDocuments place={looked} close={() => look(null)} />
      <Confirm
        opened={removed !== null}
        close={() => remove(null)}
        title={t('documents.removeNamed', { title: removed?.title ?? '' })}
        verb={t('documents.remove')}
        act={async () => {
          await calls.removeDocument(removed!.place, removed!.version);
          await again();
          tell(t('documents.removed'));
        }}
      >
        {t('documents.removeText')}
      </Confirm>
    </Fieldset>
  );
}
