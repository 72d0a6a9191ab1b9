// The peers as a graph: who is connected, interested, unchoked, preferred, optimistic, and which pieces are under way.
// Each pair has two lanes, a little apart; on the lane from a to b stands what a gives to b.

/** Seconds that a piece is seen under way at speed 1 before its log line. */
const FLIGHT_SECS = 0.35;
/** Maximum number of entries that are searched for pieces under way, and of pieces on a lane of few or of many peers. */
const MOST_SEARCHED = 20000;
const [MOST_ON_LANE, MOST_OF_MANY] = [3, 1];
const MANY_PEERS = 20;
/** With more peers, only the selected one shows who is interested. */
const MOST_FOR_INTEREST = 12;

class Graph {
  constructor(app) {
    this.app = app;
    this.surface = new Surface("graph", () => app.redraw());
    this.surface.canvas.addEventListener("click", (event) => {
      const peer = this.hit(this.surface.place(event));
      app.select(peer === app.selected ? null : peer);
    });
    this.surface.canvas.addEventListener("pointermove", (event) => {
      this.surface.canvas.style.cursor = this.hit(this.surface.place(event)) === null ? "" : "pointer";
    });
    this.legend();
  }

  legend() {
    const entries = [
      ["connected", "connected (a log alone does not tell the end)"], ["unchoked", "unchoked"], ["preferred", "preferred"],
      ["optimistic", "optimistic"],
      ["interested", "interested"], ["piece", "piece under way, in the sender's colour"],
    ];
    document.getElementById("legend").replaceChildren(...entries.map(([name, words]) => {
      const [entry, sign] = [document.createElement("li"), document.createElement("i")];
      sign.className = `sign ${name}`;
      sign.ariaHidden = "true";
      entry.append(sign, words);
      return entry;
    }));
  }

  /** Returns the place of each node and their radius. The first peer stands on top. */
  layout() {
    const { width, height } = this.surface;
    const count = this.app.store.peerCount;
    const reach = Math.min(width, height) / 2;
    const radius = Math.max(7, Math.min(30, (reach * 2.2) / Math.max(count, 5)));
    const labels = radius < 20 ? 32 : 8;
    const [across, down] = [width / 2 - radius - labels, height / 2 - radius - Math.min(labels, 20)];
    return {
      radius,
      nodes: Array.from({ length: count }, (_, i) => {
        const angle = (i / count) * 2 * Math.PI - Math.PI / 2;
        // Not wider than a circle and a half, or lanes would lie flat on each other.
        const x = width / 2 + Math.min(across, down * 1.5) * Math.cos(angle);
        return { x, y: height / 2 + down * Math.sin(angle), angle };
      }),
    };
  }

  hit([x, y]) {
    const { nodes, radius } = this.layout();
    const found = nodes.findIndex((node) => Math.hypot(node.x - x, node.y - y) <= radius + 4);
    return found < 0 ? null : found;
  }

  draw() {
    const { app } = this;
    const context = this.surface.begin();
    const { nodes, radius } = this.layout();
    // The lane from a to b: it begins and ends at the edges of the nodes.
    const lane = (a, b) => {
      const [dx, dy] = [nodes[b].x - nodes[a].x, nodes[b].y - nodes[a].y];
      const length = Math.hypot(dx, dy) || 1;
      const [ux, uy] = [dx / length, dy / length];
      const aside = Math.min(4, radius / 3);
      const gap = radius + 4;
      return {
        x1: nodes[a].x + ux * gap - uy * aside, y1: nodes[a].y + uy * gap + ux * aside,
        x2: nodes[b].x - ux * gap - uy * aside, y2: nodes[b].y - uy * gap + ux * aside, ux, uy,
      };
    };
    const isSeen = (a, b) => app.selected === null || app.selected === a || app.selected === b;
    this.connections(context, nodes, isSeen);
    for (let a = 0; a < nodes.length; a++) {
      for (let b = 0; b < nodes.length; b++) {
        if (a !== b) this.lane(context, lane(a, b), a, b, isSeen(a, b));
      }
    }
    this.pieces(context, lane, isSeen, radius);
    nodes.forEach((node, peer) => this.node(context, node, peer, radius));
    const complete = app.store.head.peers.filter((_, peer) => app.store.completes[peer] < app.cursor).length;
    this.surface.canvas.ariaLabel =
      `Graph of ${counted(nodes.length, "peer")}; ${complete} have the file at ${elapsed(app.clock.time)}`;
  }

  connections(context, nodes, isSeen) {
    const { app } = this;
    context.lineWidth = 1;
    context.strokeStyle = app.theme.faint;
    context.globalAlpha = nodes.length > 20 && app.selected === null ? 0.5 : 1;
    context.beginPath();
    for (let a = 0; a < nodes.length; a++) {
      for (let b = a + 1; b < nodes.length; b++) {
        if (!((app.links.of(a, b) | app.links.of(b, a)) & LINK.connected) || !isSeen(a, b)) continue;
        context.moveTo(nodes[a].x, nodes[a].y);
        context.lineTo(nodes[b].x, nodes[b].y);
      }
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  lane(context, { x1, y1, x2, y2, ux, uy }, a, b, isSeen) {
    const { app } = this;
    const flags = app.links.of(a, b);
    const isChosen = flags & (LINK.preferred | LINK.optimistic);
    if (isChosen || flags & LINK.unchoked) {
      const name = flags & LINK.preferred ? "preferred" : flags & LINK.optimistic ? "optimistic" : "unchoked";
      // Chosen, but the unchoke was not received yet: pale.
      context.globalAlpha = (flags & LINK.unchoked ? 1 : 0.4) * (isSeen ? 1 : 0.12);
      context.strokeStyle = app.theme[name];
      context.lineWidth = isChosen ? 2 : 1.25;
      context.setLineDash(name === "optimistic" ? [7, 4] : []);
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
      context.setLineDash([]);
    }
    const isShown = app.store.peerCount <= MOST_FOR_INTEREST || app.selected === a || app.selected === b;
    if (isSeen && isShown && app.links.of(b, a) & LINK.interested) {
      // An arrow at b's end: b wants something of a.
      context.globalAlpha = 1;
      context.fillStyle = app.theme.interested;
      context.beginPath();
      context.moveTo(x2 - ux * 9, y2 - uy * 9);
      context.lineTo(x2 - uy * 4, y2 + ux * 4);
      context.lineTo(x2 + uy * 4, y2 - ux * 4);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  /** Draws the pieces that arrive soon, on their way. */
  pieces(context, lane, isSeen, radius) {
    const { app } = this;
    const { times, peers, neighbors } = app.store.columns;
    const flight = FLIGHT_SECS * MICROS * Math.max(app.clock.speed, 0.25);
    const onLane = new Map();
    const most = app.store.peerCount > MANY_PEERS ? MOST_OF_MANY : MOST_ON_LANE;
    const last = Math.min(app.store.length, app.cursor + MOST_SEARCHED);
    for (let i = app.cursor; i < last && times[i] < app.clock.time + flight; i++) {
      const [to, from] = [peers[i], neighbors[i]];
      if (app.store.code(i) !== CODE.downloaded || from < 0 || from >= app.store.peerCount || from === to) continue;
      const key = from * app.store.peerCount + to;
      const others = onLane.get(key) ?? 0;
      if (others >= most || !isSeen(from, to)) continue;
      onLane.set(key, others + 1);
      const { x1, y1, x2, y2 } = lane(from, to);
      const part = 1 - (times[i] - app.clock.time) / flight;
      context.fillStyle = app.colors[from].text;
      context.beginPath();
      context.arc(x1 + (x2 - x1) * part, y1 + (y2 - y1) * part, Math.min(4.5, 2 + radius / 10), 0, 2 * Math.PI);
      context.fill();
    }
  }

  /** Draws a peer; the ring around it fills with its pieces. */
  node(context, { x, y, angle }, peer, radius) {
    const { app } = this;
    const { store, theme } = app;
    const part = store.pieceCount ? Math.min(store.pieces(peer, app.cursor) / store.pieceCount, 1) : 0;
    const color = app.colors[peer].text;
    const ring = Math.max(2.5, radius / 6);
    context.globalAlpha = app.selected === null || app.selected === peer ? 1 : 0.75;
    const circle = (size, from = 0, to = 2 * Math.PI) => {
      context.beginPath();
      context.arc(x, y, size, from, to);
    };
    circle(radius + 2);
    context.fillStyle = theme.panel;
    context.fill();
    circle(radius - ring / 2);
    context.lineWidth = ring;
    context.strokeStyle = theme.empty;
    context.stroke();
    if (part > 0) {
      circle(radius - ring / 2, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * part);
      context.strokeStyle = color;
      context.stroke();
    }
    if (store.completes[peer] < app.cursor) {
      circle(radius - ring - 2);
      context.globalAlpha *= 0.28;
      context.fillStyle = color;
      context.fill();
      context.globalAlpha = 1;
    }
    if (app.selected === peer) {
      circle(radius + 3);
      context.lineWidth = 1.5;
      context.strokeStyle = theme.ink;
      context.stroke();
    }
    context.fillStyle = theme.ink;
    context.textBaseline = "middle";
    if (radius >= 20) {
      context.textAlign = "center";
      context.font = font(12, 600);
      context.fillText(store.id(peer), x, y - 6);
      context.font = font(11);
      context.fillStyle = theme.soft;
      context.fillText(`${Math.floor(part * 100)} %`, x, y + 8);
    } else {
      const isLeft = Math.cos(angle) < -0.01;
      const [dx, dy] = [Math.cos(angle) * (radius + 5), Math.sin(angle) * (radius + 8)];
      context.textAlign = Math.abs(Math.cos(angle)) < 0.1 ? "center" : isLeft ? "right" : "left";
      context.font = font(10);
      context.fillText(store.id(peer), x + dx, y + dy);
    }
    context.globalAlpha = 1;
  }
}
