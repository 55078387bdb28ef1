// Programs of amqplib, the client for Node: what they print depends on nothing but the broker. NODE_PATH says where amqplib is.
//
//     NODE_PATH=…/node_modules node run.js amqp://guest:guest@127.0.0.1:5672/

const amqp = require("amqplib");

const url = process.argv[2];
const say = (...what) => console.log(...what);

async function confirms(connection) {
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  for (let number = 0; number < 1000; number++) channel.sendToQueue(queue, Buffer.from(String(number)), { persistent: true });
  await channel.waitForConfirms();
  say("confirmed and there:", (await channel.checkQueue(queue)).messageCount);
  const returned = new Promise((resolve) => channel.once("return", resolve));
  channel.publish("", "nobody", Buffer.from("lost"), { mandatory: true });
  await channel.waitForConfirms();
  const message = await returned;
  say("returned:", message.fields.replyCode, message.fields.replyText, message.content.toString());
}

async function work(connection) {
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true, maxLength: 100 });
  await channel.prefetch(10);
  const done = [];
  const finished = new Promise((resolve) => {
    channel.consume(queue, (message) => {
      if (!message.fields.redelivered && done.length === 5) return channel.nack(message); // once, in the middle
      done.push(Number(message.content));
      channel.ack(message);
      if (done.length === 50) resolve();
    });
  });
  for (let number = 0; number < 50; number++) channel.sendToQueue(queue, Buffer.from(String(number)));
  await finished;
  say("each once:", new Set(done).size, "sum", done.reduce((a, b) => a + b));
}

async function directReply(connection) {
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.consume(queue, (message) => {
    channel.sendToQueue(message.properties.replyTo, Buffer.from(`${message.content}!`), {
      correlationId: message.properties.correlationId,
    });
  }, { noAck: true });
  const answer = new Promise((resolve) => channel.consume("amq.rabbitmq.reply-to", resolve, { noAck: true }));
  channel.sendToQueue(queue, Buffer.from("call"), { replyTo: "amq.rabbitmq.reply-to", correlationId: "7" });
  const message = await answer;
  say("answer:", message.content.toString(), message.properties.correlationId);
}

async function headers(connection) {
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("", { exclusive: true });
  const sent = { float: 1.5, big: 2 ** 40, negative: -1, text: "ä", list: [1, "a", { b: null }], flag: true, nothing: null };
  sent.time = { "!": "timestamp", value: 12345 };
  sent.decimal = { "!": "decimal", value: { digits: 1234, places: 2 } };
  channel.sendToQueue(queue, Buffer.alloc(300000, 7), { headers: sent, expiration: "60000", messageId: "id", timestamp: 99 });
  let message;
  while (!(message = await channel.get(queue, { noAck: true })));
  say("body", message.content.length, message.content.every((byte) => byte === 7));
  say("headers", JSON.stringify(message.properties.headers));
  say("properties", message.properties.expiration, message.properties.messageId, message.properties.timestamp);
}

async function cancelled(connection) {
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue("node-cancelled");
  const told = new Promise((resolve) => channel.consume(queue, resolve));
  await channel.checkQueue(queue);
  await (await connection.createChannel()).deleteQueue(queue);
  say("told of the end of the queue:", await told);
}

async function refused(connection) {
  for (const [what, action] of Object.entries({
    "no queue": (channel) => channel.checkQueue("not there"),
    "no exchange": (channel) => channel.checkExchange("not there"),
    "another kind": (channel) => channel.assertExchange("amq.direct", "fanout"),
    "reserved": (channel) => channel.assertExchange("amq.new", "fanout"),
  })) {
    const channel = await connection.createChannel();
    const error = new Promise((resolve) => channel.once("error", resolve));
    await action(channel).catch(() => {});
    const { code, message } = await error;
    say(what + ":", code, message.replace(/.*with message /, ""));
  }
}

async function main() {
  for (const program of [confirms, work, directReply, headers, cancelled, refused]) {
    say("==", program.name);
    const connection = await amqp.connect(url);
    connection.on("error", (error) => say("connection:", error.message));
    await program(connection);
    await connection.close();
  }
}

main().catch((error) => {
  console.log("ended by", error.message);
  process.exit(1);
});
