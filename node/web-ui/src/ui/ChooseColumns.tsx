import { Button, Checkbox, Popover, Stack } from '@mantine/core';
import { IconColumns3, IconRestore } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { choosable, isSeen, type ColumnChoice, type Width } from './columnChoice';

interface Props {
  all: { id: string; header: string; from?: Width; extra?: boolean }[];
  choice: Pick<ColumnChoice<never>, 'chosen' | 'choose'>;
}

/** The list at the foot of a table that says what its columns are. */
export function ChooseColumns({ all, choice }: Props) {
  const { t } = useTranslation();
  const { chosen, choose } = choice;
  const [opened, setOpened] = useState(false);
  const [width, setWidth] = useState(window.innerWidth);
  const columns = choosable(all);
  if (columns.length < 2) return null;
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="top-end"
      middlewares={{ flip: { padding: 8 }, shift: true, size: { padding: 8 } }}
      transitionProps={{ duration: 80 }}
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <Button
          size="compact-xs"
          variant="subtle"
          leftSection={<IconColumns3 size={14} aria-hidden />}
          onClick={() => {
            setWidth(window.innerWidth);
            setOpened(!opened);
          }}
        >
          {t('table.columns')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('table.columns')} style={{ overflowY: 'auto' }}>
        <Stack gap="sm">
          {columns.map((column) => (
            <Checkbox
              key={column.id}
              size="xs"
              styles={{ label: { fontSize: 14 } }}
              label={column.header}
              checked={isSeen(column, chosen, width)}
              onChange={(event) => choose({ ...chosen, [column.id]: event.currentTarget.checked })}
            />
          ))}
          <Button
            size="compact-xs"
            variant="subtle"
            leftSection={<IconRestore size={14} aria-hidden />}
            disabled={Object.keys(chosen).length === 0}
            onClick={() => choose({})}
          >
            {t('table.usualColumns')}
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
