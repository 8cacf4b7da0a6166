-- A quadratic integrate-and-fire neuron in three clocks.
-- Each pulse of tick takes one stimulus; strobe marks the result. No back-pressure.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity pulse_neuron is
  port (
    clk_i    : in  std_logic;
    rst_i    : in  std_logic;                       -- synchronous, active high
    tick_i   : in  std_logic;
    stim_i   : in  std_logic_vector(11 downto 0);   -- sfixed(7 downto -4), offset binary
    strobe_o : out std_logic;
    spike_o  : out std_logic;
    volt_o   : out std_logic_vector(11 downto 0);   -- sfixed(4 downto -7)
    trace_o  : out std_logic_vector(11 downto 0);   -- ufixed(2 downto -9)
    hold_o   : out std_logic_vector(2 downto 0)     -- timesteps left in the refractory period
  );
end entity;

architecture rtl of pulse_neuron is

  constant THRESHOLD : signed(11 downto 0) := to_signed(492, 12);
  constant V_RESET   : signed(11 downto 0) := to_signed(-328, 12);
  constant BIAS      : signed(11 downto 0) := to_signed(-419, 12);      -- 12 fraction bits
  constant DRIVE     : signed(10 downto 0) := to_signed(524, 11);       -- 12 fraction bits
  constant DECAY     : unsigned(9 downto 0) := to_unsigned(1014, 10);   -- 10 fraction bits
  constant JUMP      : unsigned(11 downto 0) := to_unsigned(256, 12);   -- 0.5
  constant PERIOD    : unsigned(2 downto 0) := to_unsigned(5, 3);

  signal volt    : signed(11 downto 0);
  signal trace   : unsigned(11 downto 0);
  signal hold    : unsigned(2 downto 0);

  signal square  : signed(23 downto 0);             -- 20 fraction bits after the shift by 6
  signal push    : signed(22 downto 0);             -- 16 fraction bits
  signal faded   : unsigned(21 downto 0);
  signal total   : signed(27 downto 0);             -- 20 fraction bits
  signal stage   : std_logic_vector(1 downto 0);

begin

  volt_o  <= std_logic_vector(volt);
  trace_o <= std_logic_vector(trace);
  hold_o  <= std_logic_vector(hold);

  process (clk_i)
    variable v     : signed(11 downto 0);
    variable cut   : signed(14 downto 0);
    variable x     : unsigned(12 downto 0);
    variable fires : boolean;
    variable i     : signed(11 downto 0);
  begin
    if rising_edge(clk_i) then
      strobe_o <= '0';
      stage <= stage(0) & tick_i;

      -- first clock: products
      if tick_i = '1' then
        square <= volt * volt;
        i := signed(not stim_i(11) & stim_i(10 downto 0));
        push   <= i * DRIVE;
        faded  <= trace * DECAY;
      end if;

      -- second clock: sum
      if stage(0) = '1' then
        total <= shift_left(resize(push, 28), 4)
               + shift_left(resize(BIAS, 28), 8)
               + shift_left(resize(volt, 28), 13)
               + resize(square, 28);
      end if;

      -- third clock: truncate, saturate, compare, write
      if stage(1) = '1' then
        cut := total(27 downto 13);
        if cut > 2047 then
          v := to_signed(2047, 12);
        elsif cut < -2048 then
          v := to_signed(-2048, 12);
        else
          v := cut(11 downto 0);
        end if;
        if hold /= 0 then
          v := volt;
        end if;
        fires := v >= THRESHOLD;
        x := resize(faded(21 downto 10), 13);
        if fires then
          v := V_RESET;
          hold <= PERIOD;
          x := x + JUMP;
        elsif hold > PERIOD then
          hold <= PERIOD;
        elsif hold /= 0 then
          hold <= hold - 1;
        end if;
        if x > 4095 then
          x := to_unsigned(4095, 13);
        end if;
        volt  <= v;
        trace <= x(11 downto 0);
        if fires then
          spike_o <= '1';
        else
          spike_o <= '0';
        end if;
        strobe_o <= '1';
      end if;

      if rst_i = '1' then
        volt     <= V_RESET;
        trace    <= (others => '0');
        hold     <= (others => '0');
        stage    <= "00";
        strobe_o <= '0';
        spike_o  <= '0';
      end if;
    end if;
  end process;

end architecture;
