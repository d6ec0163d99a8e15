import { Tabs, Text } from '@mantine/core';
import { IconPresentation, IconTemplate } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { Conference, Template } from '../api/types';
import { RunHistory } from '../history/RunHistory';
import { Registrants } from '../registration/Registrants';
import { Sheet } from '../ui/Sheet';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { useAdminText } from '../ui/text';
import { useMe } from '../ui/useMe';
import { ConferenceForm } from './ConferenceForm';
import { Share } from './Share';

const Now = lazy(() => import('./Now').then((file) => ({ default: file.Now })));

interface Props {
  /** Without it: a new one. */
  cid?: string;
  /** A new one is set up like the template of this ID. */
  template?: string;
  /** Who is invited to a new one from the beginning: their ID, with the server if it is another one. */
  invite?: string;
  readOnly?: boolean;
  /** In the personal area: who owns it is not asked. */
  own?: boolean;
  close: () => void;
}

/** One conference, or a new one, beside the list. */
export function ConferenceSheet({ cid, template, invite, readOnly, own, close }: Props) {
  const { t } = useAdminText();
  if (cid) return <Known cid={cid} readOnly={readOnly} own={own} close={close} />;
  return (
    <Sheet title={<Text fw={650}>{t('conferences.create')}</Text>} close={close}>
      {template ? (
        <FromTemplate id={template} invite={invite} own={own} close={close} />
      ) : (
        <New invite={invite} own={own} close={close} />
      )}
    </Sheet>
  );
}

function FromTemplate({ id, invite, own, close }: Omit<Props, 'cid'> & { id: string }) {
  const { t } = useAdminText();
  const found = useQuery(queries.template(id));
  if (found.data) return <New template={found.data} invite={invite} own={own} close={close} />;
  if (!found.error) return <Loading rows={8} />;
  const gone = found.error instanceof Problem && found.error.code === 'not-found';
  if (!gone) return <ErrorState error={found.error} retry={() => void found.refetch()} />;
  return <EmptyState icon={<IconTemplate />} title={t('templates.gone')} text={t('conferences.goneText')} />;
}

type NewProps = Pick<Props, 'invite' | 'own' | 'close'> & { template?: Template };

/** As the server has it for new ones. */
function New({ template, invite, own, close }: NewProps) {
  const usual = useQuery(queries.conferenceDefaults());
  if (usual.data)
    return <ConferenceForm template={template} usual={usual.data} invite={invite} own={own} close={close} />;
  if (usual.error) return <ErrorState error={usual.error} retry={() => void usual.refetch()} />;
  return <Loading rows={8} />;
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

/** The settings, who is in and what can be done about it, how others learn of it, who has registered where people do, and how it was. */
function Parts({ conference, readOnly, own, close }: Props & { conference: Conference }) {
  const { t } = useAdminText();
  const me = useMe();
  // In the personal area moderators look at what the owner has set.
  const others = own && conference.owner !== me.id && me.admin !== 'full';
  const registers = conference.settings.registration && conference.moderates;
  return (
    <Tabs defaultValue={firstOf(conference, Boolean(others && registers))} keepMounted={false}>
      <Tabs.List mb="md" className="tabs">
        <Tabs.Tab value="settings">{t('conferences.settings')}</Tabs.Tab>
        {conference.moderates && <Tabs.Tab value="now">{t('conferences.going')}</Tabs.Tab>}
        {conference.access === 'public' && <Tabs.Tab value="share">{t('share.title')}</Tabs.Tab>}
        {registers && <Tabs.Tab value="registrants">{t('registration.list')}</Tabs.Tab>}
        <Tabs.Tab value="history">{t('common:history.runs')}</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="settings" keepMounted>
        <ConferenceForm conference={conference} readOnly={readOnly || others} own={own} close={close} />
      </Tabs.Panel>
      {conference.moderates && (
        <Tabs.Panel value="now">
          <Suspense fallback={<Loading rows={6} />}>
            <Now conference={conference} />
          </Suspense>
        </Tabs.Panel>
      )}
      {conference.access === 'public' && (
        <Tabs.Panel value="share">
          <Share conference={conference} />
        </Tabs.Panel>
      )}
      {registers && (
        <Tabs.Panel value="registrants">
          <Registrants conference={conference} />
        </Tabs.Panel>
      )}
      <Tabs.Panel value="history">
        <RunHistory cid={conference.cid} />
      </Tabs.Panel>
    </Tabs>
  );
}

/** What is looked for first: of what is over, how it was. */
function firstOf({ launch, next, meeting }: Conference, registrants: boolean): string {
  if (launch === 'scheduled' && !next && !meeting.participants) return 'history';
  return registrants ? 'registrants' : 'settings';
}
