import { ActionIcon, Badge, Button, Group, SegmentedControl, Text, Tooltip } from '@mantine/core';
import { IconArrowLeft, IconCopyPlus, IconPlus, IconTemplate, IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Template } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Below } from '../ui/DataTable';
import { ListTable } from '../ui/ListTable';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { useAdminText } from '../ui/text';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMe } from '../ui/useMe';
import { TemplateSheet } from './TemplateSheet';

const ownRoute = getRouteApi('/_app/meetings_/templates');
const allRoute = getRouteApi('/_app/admin/conferences_/templates');

interface Said {
  search?: string;
  part?: 'own' | 'for_all';
  template?: string;
  create?: boolean;
}

interface Props {
  said: Said;
  set: (patch: Said) => void;
  go: (patch: Said) => void;
  /** Back to the conferences, and what makes one from a template. */
  back: ReactNode;
  make: (template: Template, label: string) => ReactNode;
  /** Those of everybody. */
  everybody?: boolean;
}

/** In the personal area: the own templates and those for all. */
export function OwnTemplatesPage() {
  const { t } = useAdminText();
  return (
    <Templates
      {...useAddress(ownRoute)}
      back={
        <Button
          variant="default"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/meetings" {...props} />}
        >
          {t('common:nav.meetings')}
        </Button>
      }
      make={(template, label) => (
        <ActionIcon
          variant="subtle"
          aria-label={label}
          renderRoot={(props) => (
            <Link to="/meetings" search={{ create: true, template: template.id }} {...props} />
          )}
        >
          <IconCopyPlus size={16} aria-hidden />
        </ActionIcon>
      )}
    />
  );
}

/** In the control panel: the templates of everybody. */
export function AllTemplatesPage() {
  const { t } = useAdminText();
  const full = useMe().admin === 'full';
  return (
    <Templates
      {...useAddress(allRoute)}
      everybody
      back={
        <Button
          variant="default"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/admin/conferences" {...props} />}
        >
          {t('common:nav.conferences')}
        </Button>
      }
      make={(template, label) =>
        full && (
          <ActionIcon
            variant="subtle"
            aria-label={label}
            renderRoot={(props) => (
              <Link to="/admin/conferences" search={{ create: true, template: template.id }} {...props} />
            )}
          >
            <IconCopyPlus size={16} aria-hidden />
          </ActionIcon>
        )
      }
    />
  );
}

function Templates({ said, set, go, back, make, everybody }: Props) {
  const { t } = useAdminText();
  const me = useMe();
  const { search, part, template, create } = said;
  const list = useList(
    queries.templates({ sort: 'name', search, part: part ?? (everybody ? 'all' : undefined) }),
  );
  const mayMake = me.rights.includes('create_conferences') || me.admin === 'full';
  const [removing, remove] = useState<Template | null>(null);
  const add = mayMake && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => go({ create: true })}>
      {t('templates.create')}
    </Button>
  );
  const head = (
    <>
      {back}
      {add}
    </>
  );
  return (
    <Page fill title={t('templates.title')} purpose={t('templates.purpose')} action={head}>
      <Group gap="sm" mb="sm">
        <Search label={t('templates.search')} value={search} onChange={(search) => set({ search })} />
        <SegmentedControl
          aria-label={t('common:meetings.part')}
          value={part ?? 'all'}
          onChange={(value) => set({ part: value === 'all' ? undefined : (value as Said['part']) })}
          data={(['all', 'own', 'for_all'] as const).map((value) => ({
            value,
            label: t(`templates.part.${value}`),
          }))}
        />
      </Group>
      <ListTable
        name="templates"
        label={t('templates.title')}
        list={list}
        rowKey={(row) => row.id}
        onOpen={(row) => go({ template: row.id })}
        active={template}
        columns={[
          {
            id: 'name',
            header: t('conferences.name'),
            width: 'minmax(0, 2fr)',
            cell: (row) => (
              <div style={{ minWidth: 0 }}>
                <Group gap={6} wrap="nowrap" miw={0}>
                  <Text size="sm" fw={500} truncate>
                    {row.name}
                  </Text>
                  {row.for_all && (
                    <Badge variant="default" tt="none" fw={500} style={{ flexShrink: 0 }}>
                      {t('templates.forAll')}
                    </Badge>
                  )}
                </Group>
                {row.description && <Below>{row.description}</Below>}
              </div>
            ),
          },
          {
            id: 'when',
            header: t('conferences.when'),
            width: 'minmax(0, 1.2fr)',
            from: 'sm',
            cell: (row) => <Hours template={row} />,
          },
          {
            id: 'mode',
            header: t('conferences.mode'),
            width: 'minmax(0, 1fr)',
            from: 'md',
            cell: (row) => t(`conferences.mode.${row.settings.mode}`),
          },
          {
            id: 'owner',
            header: t('conferences.owner'),
            width: 'minmax(0, 1fr)',
            from: 'sm',
            cell: (row) => row.owner,
          },
          {
            id: 'menu',
            header: '',
            width: '92px',
            cell: (row) => (
              <Group gap={4} wrap="nowrap" justify="flex-end">
                <Tooltip label={t('templates.use', { name: row.name })}>
                  <span>{make(row, t('templates.use', { name: row.name }))}</span>
                </Tooltip>
                {row.changeable && (
                  <Tooltip label={t('templates.delete', { name: row.name })}>
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={t('templates.delete', { name: row.name })}
                      onClick={() => remove(row)}
                    >
                      <IconTrash size={16} aria-hidden />
                    </ActionIcon>
                  </Tooltip>
                )}
              </Group>
            ),
          },
        ]}
        icon={<IconTemplate />}
        none={
          search || part
            ? undefined
            : { title: t('templates.empty'), text: t('templates.emptyText'), action: add }
        }
      />
      {(template || (create && mayMake)) && (
        <TemplateSheet
          key={create ? '' : template}
          id={create ? undefined : template}
          close={() => set({ template: undefined, create: undefined })}
        />
      )}
      <Removing template={removing} close={() => remove(null)} />
    </Page>
  );
}

function Removing({ template, close }: { template: Template | null; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  return (
    <Confirm
      opened={!!template}
      close={close}
      title={t('templates.deleteTitle', { name: template?.name })}
      verb={t('conferences.deleteVerb')}
      act={async () => {
        await calls.deleteTemplate(template!.id, template!.revision);
        await cache.invalidateQueries({ queryKey: ['conferences'] });
        tell(t('templates.deleted', { name: template!.name }));
      }}
    >
      {t('templates.deleteText')}
    </Confirm>
  );
}

/** When conferences of it are open, as far as a template says. */
function Hours({ template: { launch, schedule } }: { template: Template }) {
  const { t } = useAdminText();
  const { i18n } = useTranslation();
  const text = () => {
    if (!schedule) return t(launch === 'by_hand' ? 'conferences.byHand' : 'conferences.always');
    const days = schedule.weekdays.map((day) => dayName(day, i18n.language));
    return [...days, schedule.time].join(' ');
  };
  return (
    <Text size="sm" c="dimmed" truncate>
      {text()}
    </Text>
  );
}

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

function dayName(day: string, language: string): string {
  // The fourth of January 2027 is a Monday.
  const at = new Date(Date.UTC(2027, 0, 4 + DAYS.indexOf(day)));
  return new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' }).format(at);
}
