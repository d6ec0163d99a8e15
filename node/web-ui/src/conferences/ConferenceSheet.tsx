import { Tabs, Text } from '@mantine/core';
import { IconPresentation } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { Conference } from '../api/types';
import { Registrants } from '../registration/Registrants';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';
import { useMe } from '../ui/useMe';
import { ConferenceForm } from './ConferenceForm';

interface Props {
  /** Without it: a new one. */
  cid?: string;
  readOnly?: boolean;
  /** In the personal area: who owns it is not asked. */
  own?: boolean;
  close: () => void;
}

/** One conference, or a new one, beside the list. */
export function ConferenceSheet({ cid, readOnly, own, close }: Props) {
  const { t } = useAdminText();
  if (cid) return <Known cid={cid} readOnly={readOnly} own={own} close={close} />;
  return (
    <Sheet title={<Text fw={650}>{t('conferences.create')}</Text>} close={close}>
      <ConferenceForm own={own} close={close} />
    </Sheet>
  );
}

function Known({ cid, readOnly, own, close }: Props & { cid: string }) {
  const { t } = useAdminText();
  const found = useQuery(queries.conference(cid));
  const gone = found.error instanceof Problem && found.error.code === 'not-found';
  return (
    <Sheet
      title={
        <Text fw={650} truncate>
          {found.data?.name ?? cid}
        </Text>
      }
      close={close}
    >
      {gone ? (
        <EmptyState
          icon={<IconPresentation />}
          title={t('conferences.gone')}
          text={t('conferences.goneText')}
        />
      ) : found.data ? (
        <Parts conference={found.data} readOnly={readOnly} own={own} close={close} />
      ) : found.error ? (
        <ErrorState error={found.error} retry={() => void found.refetch()} />
      ) : (
        <Loading rows={8} />
      )}
    </Sheet>
  );
}

/** The settings, and who has registered where people do. */
function Parts({ conference, readOnly, own, close }: Props & { conference: Conference }) {
  const { t } = useAdminText();
  const me = useMe();
  // In the personal area moderators look at what the owner has set.
  const others = own && conference.owner !== me.id && me.admin !== 'full';
  const form = (
    <ConferenceForm conference={conference} readOnly={readOnly || others} own={own} close={close} />
  );
  if (!conference.settings.registration || !conference.moderates) return form;
  return (
    <Tabs defaultValue={others ? 'registrants' : 'settings'} keepMounted={false}>
      <Tabs.List mb="md">
        <Tabs.Tab value="settings">{t('registration.settings')}</Tabs.Tab>
        <Tabs.Tab value="registrants">{t('registration.list')}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="settings" keepMounted>
        {form}
      </Tabs.Panel>
      <Tabs.Panel value="registrants">
        <Registrants conference={conference} />
      </Tabs.Panel>
    </Tabs>
  );
}
