import { Anchor, Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { linked } from '../ui/linked';
import { DocumentLink } from './DocumentLink';

/** At the foot of what strangers see: the guide, the documents, how the hosts are reached, and what their browser keeps of us. */
export function SmallPrint() {
  const { t } = useTranslation();
  const server = useQuery(queries.server());
  const guide = server.data?.guide;
  const contacts = server.data?.contacts;
  const documents = server.data?.documents ?? [];
  return (
    <>
      {(guide || documents.length > 0) && (
        <Group component="nav" aria-label={t('smallPrint.title')} justify="center" gap="md" mb={6}>
          {guide && (
            <Anchor size="xs" underline="always" href={guide} target="_blank" rel="noopener noreferrer">
              {t('smallPrint.guide')}
            </Anchor>
          )}
          {documents.map((document) => (
            <DocumentLink key={document.place} document={document} size="xs" />
          ))}
        </Group>
      )}
      {contacts && (
        <Text size="xs" ta="center" maw={640} mx="auto" mb={6} style={{ whiteSpace: 'pre-line' }}>
          {t('smallPrint.contacts')} {linked(contacts)}
        </Text>
      )}
      <Text size="xs" c="dimmed" ta="center" maw={640} mx="auto">
        {t('smallPrint.cookies')}
      </Text>
    </>
  );
}
