import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;

/**
 * Echoes net:4 frames: LengthFieldBasedFrameDecoder and LengthFieldPrepender, with one event loop.
 *
 * The handler writes each reply, and flushes after the last one of a read, as Netty's own example does. The form `nio` has the
 * default settings. `fast` has receive buffers of 64 KiB, and uses the native epoll transport if its library is in the class
 * path; the program that starts it turns checks of buffers off.
 */
public final class Echo {
    public static void main(String[] arguments) throws Exception {
        String[] address = arguments[0].split(":");
        boolean isFast = arguments[1].equals("fast");
        boolean isEpoll = isFast && Epoll.isAvailable();
        EventLoopGroup loop = isEpoll ? new EpollEventLoopGroup(1) : new NioEventLoopGroup(1);
        ServerBootstrap server = new ServerBootstrap()
            .group(loop)
            .channel(isEpoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class)
            .option(ChannelOption.SO_BACKLOG, 4096)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(new ChannelInitializer<Channel>() {
                @Override
                protected void initChannel(Channel channel) {
                    channel.pipeline().addLast(new LengthFieldBasedFrameDecoder(1 << 24, 0, 4, 0, 4));
                    channel.pipeline().addLast(new LengthFieldPrepender(4));
                    channel.pipeline().addLast(new Handler());
                }
            });
        if (isFast) {
            server.childOption(ChannelOption.RCVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(64 * 1024));
        }
        server.bind(address[0], Integer.parseInt(address[1])).sync().channel().closeFuture().sync();
    }

    private static final class Handler extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message, context.voidPromise());
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
